"""Serves the models of the stand-ins for AWS's algorithms, in AWS's formats."""
