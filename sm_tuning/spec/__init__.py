"""What a tuning job is: descriptions that become requests. Nothing here talks to AWS."""
