"""HTTP as a container for inference speaks it, and the processes that serve."""
