"""What an account lacks for a tuning job and what it costs, found before money is spent."""
