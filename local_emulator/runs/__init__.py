"""Executes one run of one program, from its `/opt/ml` to its archives. What happens to a run is written in its folder."""
