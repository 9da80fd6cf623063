"""Hands: one real run of one program, from its `/opt/ml` to its archives. What happened to a run is written in its folder."""
