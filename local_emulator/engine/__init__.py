"""The engine: moves every job one step towards what really happened, and carries out what `decide` says."""
