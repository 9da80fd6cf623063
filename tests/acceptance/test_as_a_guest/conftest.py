"""The guest repository has a suite of its own, which runs in an environment of its own."""

collect_ignore = ["repository"]
