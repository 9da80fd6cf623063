CREATE TABLE tunings (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,      -- the name without its case
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  created INTEGER NOT NULL,      -- microseconds since the epoch
  modified INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX tunings_by_created ON tunings (created, id);
CREATE INDEX tunings_by_status ON tunings (status, id);

CREATE TABLE trainings (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  created INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  tuning TEXT,                   -- the tuning job's name without its case
  objective REAL                 -- the final objective of a job that ended and did not fail
) STRICT;
CREATE INDEX trainings_by_created ON trainings (created, id);
CREATE INDEX trainings_by_status ON trainings (status, id);
CREATE INDEX trainings_of_tuning_by_created ON trainings (tuning, created, id);
CREATE INDEX trainings_of_tuning_by_name ON trainings (tuning, key, id);
CREATE INDEX trainings_of_tuning_by_status ON trainings (tuning, status, id);
CREATE INDEX trainings_of_tuning_by_objective ON trainings (tuning, objective, id) WHERE objective IS NOT NULL;

CREATE TABLE observations (
  training TEXT NOT NULL,        -- the training job's name without its case
  seq INTEGER NOT NULL,
  metric TEXT NOT NULL,
  value REAL NOT NULL,
  ms INTEGER NOT NULL,           -- milliseconds since the epoch
  PRIMARY KEY (training, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE offsets (
  training TEXT PRIMARY KEY,
  offset INTEGER NOT NULL        -- the byte of the run's metrics file up to which observations are recorded
) STRICT, WITHOUT ROWID;
