-- Records of a kind: once for each kind that has no columns of its own ({table}). `sum` is as in schema.sql.
CREATE TABLE {table} (
  id INTEGER PRIMARY KEY,
  arn TEXT NOT NULL UNIQUE,
  scope TEXT NOT NULL,           -- region/account
  key TEXT NOT NULL,             -- the name without its case
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  created INTEGER NOT NULL,      -- microseconds since the epoch
  modified INTEGER NOT NULL,
  version INTEGER NOT NULL,
  runs TEXT NOT NULL,            -- the ids of all its runs, a blank between them
  body TEXT NOT NULL,
  sum INTEGER NOT NULL GENERATED ALWAYS AS (
    checksum(id, arn, scope, key, name, status, created, modified, version, runs, body)
  ) STORED
) STRICT;
CREATE INDEX {table}_by_name ON {table} (scope, key, id);
CREATE INDEX {table}_by_created ON {table} (scope, created, id);
CREATE INDEX {table}_by_modified ON {table} (scope, modified, id);
CREATE INDEX {table}_by_status ON {table} (scope, status, id);
CREATE INDEX {table}_everywhere_by_status ON {table} (status, created, id);
