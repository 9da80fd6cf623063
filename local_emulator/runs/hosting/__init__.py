"""Programs that serve models: how they are prepared, whether they are up, and requests to them."""
