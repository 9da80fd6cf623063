"""Heart: moves every job one step towards what really happened, and asks the mind what to do next."""
