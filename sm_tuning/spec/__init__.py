"""Descriptions of tuning jobs, and the requests made of them. Nothing here talks to AWS."""
