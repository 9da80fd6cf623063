-- `sum` is a checksum of all columns before it (local_emulator/database.py).
CREATE TABLE tunings (
  id INTEGER PRIMARY KEY,
  arn TEXT NOT NULL UNIQUE,
  scope TEXT NOT NULL,           -- region/account
  key TEXT NOT NULL,             -- the name without its case
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  created INTEGER NOT NULL,      -- microseconds since the epoch
  modified INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,            -- the record, of which the other columns tell what is asked for often
  sum INTEGER NOT NULL GENERATED ALWAYS AS (
    checksum(id, arn, scope, key, name, status, created, modified, version, body)
  ) STORED
) STRICT;
CREATE INDEX tunings_by_name ON tunings (scope, key, id);
CREATE INDEX tunings_by_created ON tunings (scope, created, id);
CREATE INDEX tunings_by_modified ON tunings (scope, modified, id);
CREATE INDEX tunings_by_status ON tunings (scope, status, id);
CREATE INDEX tunings_everywhere_by_status ON tunings (status, created, id);

CREATE TABLE trainings (
  id INTEGER PRIMARY KEY,
  arn TEXT NOT NULL UNIQUE,
  scope TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  version INTEGER NOT NULL,
  secondary TEXT NOT NULL,
  started INTEGER,
  ended INTEGER,
  failure TEXT,
  retryable INTEGER NOT NULL,
  tuning TEXT,                   -- the tuning job's ARN
  definition TEXT,
  runs TEXT NOT NULL,            -- the ids of all its runs, a blank between them
  number INTEGER NOT NULL,       -- its place among the tuning job's training jobs, from 1
  tuned TEXT NOT NULL,           -- JSON
  metric TEXT,                   -- the objective's name
  objective REAL,                -- the final objective of a job that ended and did not fail
  body TEXT NOT NULL,
  sum INTEGER NOT NULL GENERATED ALWAYS AS (
    checksum(
      id, arn, scope, key, name, status, created, modified, version, secondary, started, ended, failure, retryable, tuning, definition,
      runs, number, tuned, metric, objective, body
    )
  ) STORED
) STRICT;
CREATE INDEX trainings_by_name ON trainings (scope, key, id);
CREATE INDEX trainings_by_created ON trainings (scope, created, id);
CREATE INDEX trainings_by_modified ON trainings (scope, modified, id);
CREATE INDEX trainings_by_status ON trainings (scope, status, id);
CREATE INDEX trainings_everywhere_by_status ON trainings (status, created, id);
CREATE INDEX trainings_of_tuning_by_created ON trainings (tuning, created, id);
CREATE INDEX trainings_of_tuning_by_name ON trainings (tuning, key, id);
CREATE INDEX trainings_of_tuning_by_status ON trainings (tuning, status, id);
CREATE INDEX trainings_of_tuning_by_objective ON trainings (tuning, objective, id) WHERE objective IS NOT NULL;

CREATE TABLE observations (
  training INTEGER NOT NULL,     -- the training job's id
  seq INTEGER NOT NULL,
  metric TEXT NOT NULL,
  value REAL NOT NULL,
  ms INTEGER NOT NULL,           -- milliseconds since the epoch
  sum INTEGER NOT NULL GENERATED ALWAYS AS (checksum(training, seq, metric, value, ms)) STORED,
  PRIMARY KEY (training, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE offsets (
  training INTEGER PRIMARY KEY,
  offset INTEGER NOT NULL,       -- the byte of the run's metrics file up to which observations are recorded
  sum INTEGER NOT NULL GENERATED ALWAYS AS (checksum(training, offset)) STORED
) STRICT;

CREATE TRIGGER training_gone AFTER DELETE ON trainings BEGIN
  DELETE FROM observations WHERE training = old.id;
  DELETE FROM offsets WHERE training = old.id;
END;
