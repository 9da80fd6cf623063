-- From schema 1 to schema 2: columns for lists and histories. The tables are made anew by schema.sql between the two parts.
DROP INDEX tunings_by_created;
DROP INDEX tunings_by_status;
DROP INDEX trainings_by_created;
DROP INDEX trainings_by_status;
DROP INDEX trainings_of_tuning_by_created;
DROP INDEX trainings_of_tuning_by_name;
DROP INDEX trainings_of_tuning_by_status;
DROP INDEX trainings_of_tuning_by_objective;
ALTER TABLE tunings RENAME TO tunings_1;
ALTER TABLE trainings RENAME TO trainings_1;

-- schema.sql

INSERT INTO tunings SELECT id, key, name, status, created, modified, version, body FROM tunings_1;
INSERT INTO trainings
SELECT
  id,
  key,
  name,
  status,
  created,
  modified,
  version,
  json_extract(body, '$.arn'),
  json_extract(body, '$.secondary'),
  json_extract(body, '$.started'),
  json_extract(body, '$.ended'),
  json_extract(body, '$.failure_reason'),
  coalesce(json_extract(body, '$.retryable'), 0),
  tuning,
  json_extract(body, '$.definition'),
  json_extract(body, '$.run')
    || coalesce(' ' || (SELECT group_concat(json_extract(value, '$.run'), ' ') FROM json_each(body, '$.earlier')), ''),
  coalesce(json_extract(body, '$.index'), 0),
  coalesce(json_extract(body, '$.tuned'), '{}'),
  json_extract(body, '$.objective'),
  objective,
  body
FROM trainings_1;
DROP TABLE tunings_1;
DROP TABLE trainings_1;
