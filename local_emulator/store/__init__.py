"""Memory: jobs as versioned records, observations as an append-only ledger."""
