"""HTTP server, operations and their rules: answers requests from the store. It never touches a run."""
