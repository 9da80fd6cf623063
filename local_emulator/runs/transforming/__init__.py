"""Batch transform: the program that sends the records of files to a model's server and keeps its answers."""
