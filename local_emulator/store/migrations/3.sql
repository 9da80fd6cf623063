-- From schema 1 or 2 to 3. Of the old tables only what both have is read; schema.sql makes the new ones between the two parts.
DROP INDEX tunings_by_created;
DROP INDEX tunings_by_status;
DROP INDEX IF EXISTS tunings_by_modified;
DROP INDEX trainings_by_created;
DROP INDEX trainings_by_status;
DROP INDEX IF EXISTS trainings_by_modified;
DROP INDEX trainings_of_tuning_by_created;
DROP INDEX trainings_of_tuning_by_name;
DROP INDEX trainings_of_tuning_by_status;
DROP INDEX trainings_of_tuning_by_objective;
ALTER TABLE tunings RENAME TO old_tunings;
ALTER TABLE trainings RENAME TO old_trainings;
ALTER TABLE observations RENAME TO old_observations;
ALTER TABLE offsets RENAME TO old_offsets;

-- Every ARN said `arn:aws:`, whatever its region.
UPDATE old_tunings SET body = json_set(body, '$.arn', replace(replace(json_extract(body, '$.arn'),
  'arn:aws:sagemaker:cn-', 'arn:aws-cn:sagemaker:cn-'), 'arn:aws:sagemaker:us-gov-', 'arn:aws-us-gov:sagemaker:us-gov-'));
UPDATE old_trainings SET body = json_set(body,
  '$.arn', replace(replace(json_extract(body, '$.arn'),
    'arn:aws:sagemaker:cn-', 'arn:aws-cn:sagemaker:cn-'), 'arn:aws:sagemaker:us-gov-', 'arn:aws-us-gov:sagemaker:us-gov-'),
  '$.tuning_arn', replace(replace(json_extract(body, '$.tuning_arn'),
    'arn:aws:sagemaker:cn-', 'arn:aws-cn:sagemaker:cn-'), 'arn:aws:sagemaker:us-gov-', 'arn:aws-us-gov:sagemaker:us-gov-'));

-- schema.sql

INSERT INTO tunings
SELECT
  id,
  json_extract(body, '$.arn'),
  json_extract(body, '$.region') || '/' || substr(json_extract(body, '$.arn'), instr(json_extract(body, '$.arn'), ':hyper') - 12, 12),
  key,
  name,
  status,
  created,
  modified,
  version,
  body
FROM old_tunings;
INSERT INTO trainings
SELECT
  id,
  json_extract(body, '$.arn'),
  json_extract(body, '$.region') || '/' || substr(json_extract(body, '$.arn'), instr(json_extract(body, '$.arn'), ':training-job/') - 12, 12),
  key,
  name,
  status,
  created,
  modified,
  version,
  json_extract(body, '$.secondary'),
  json_extract(body, '$.started'),
  json_extract(body, '$.ended'),
  json_extract(body, '$.failure_reason'),
  coalesce(json_extract(body, '$.retryable'), 0),
  json_extract(body, '$.tuning_arn'),
  json_extract(body, '$.definition'),
  json_extract(body, '$.run')
    || coalesce(' ' || (SELECT group_concat(json_extract(value, '$.run'), ' ') FROM json_each(body, '$.earlier')), ''),
  coalesce(json_extract(body, '$.index'), 0),
  coalesce(json_extract(body, '$.tuned'), '{}'),
  json_extract(body, '$.objective'),
  objective,
  body
FROM old_trainings;
INSERT INTO observations
SELECT id, seq, old_observations.metric, value, ms FROM old_observations JOIN old_trainings ON training = key;
INSERT INTO offsets SELECT id, offset FROM old_offsets JOIN old_trainings ON training = key;
DROP TABLE old_tunings;
DROP TABLE old_trainings;
DROP TABLE old_observations;
DROP TABLE old_offsets;
