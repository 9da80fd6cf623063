"""What goes into a run and what comes out of it: channels, archives, logs, metrics, artifacts."""
