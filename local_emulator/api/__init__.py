"""Door: a request comes in, a rule or a record answers. It never touches a run."""
