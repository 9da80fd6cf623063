"""The store: jobs as versioned records, observations as an append-only ledger."""
