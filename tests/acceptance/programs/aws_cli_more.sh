#!/usr/bin/env bash
# Every tuning and training command of the AWS CLI, its paginators and its waiter; `AWS` names the program (forked_cli.py), `NAME` begins all names.
set -euo pipefail
export AWS_PAGER=""
aws() { "$AWS" "$@"; }
sm() { aws sagemaker "$@"; }
bucket="$NAME-box"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$(cd "$(dirname "$0")" && pwd)

tar -czf "$work/sourcedir.tar.gz" -C "$here/scripts" score.py
aws s3 mb "s3://$bucket" --region us-east-1
aws s3 cp "$work/sourcedir.tar.gz" "s3://$bucket/sourcedir.tar.gz" --no-progress

cat > "$work/definition.json" <<JSON
{
  "StaticHyperParameters": {"sagemaker_program": "score.py", "sagemaker_submit_directory": "s3://$bucket/sourcedir.tar.gz"},
  "AlgorithmSpecification": {
    "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3", "TrainingInputMode": "File",
    "MetricDefinitions": [{"Name": "score", "Regex": "score=([-0-9.e]+)"}]
  },
  "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
  "OutputDataConfig": {"S3OutputPath": "s3://$bucket/output"},
  "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
  "StoppingCondition": {"MaxRuntimeInSeconds": 600}
}
JSON
tuning() { # name, maximum of jobs
  cat <<JSON
{
  "HyperParameterTuningJobName": "$1",
  "HyperParameterTuningJobConfig": {
    "Strategy": "Random",
    "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
    "ResourceLimits": {"MaxNumberOfTrainingJobs": $2, "MaxParallelTrainingJobs": 2},
    "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "at", "MinValue": "0", "MaxValue": "1"}]}
  },
  "TrainingJobDefinition": $(cat "$work/definition.json")
}
JSON
}
ended() { # name of a tuning job: waits, prints its status
  local status
  until status=$(sm describe-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name "$1" \
    --query HyperParameterTuningJobStatus --output text) && [[ $status != InProgress && $status != Stopping ]]; do sleep 0.5; done
  echo "$status"
}

# A tuning job, and all about it.
tuning "$NAME-a" 5 > "$work/a.json"
arn=$(sm create-hyper-parameter-tuning-job --cli-input-json "file://$work/a.json" --query HyperParameterTuningJobArn --output text)
echo "status $(ended "$NAME-a")"
echo "counters $(sm describe-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name "$NAME-a" \
  --query '[TrainingJobStatusCounters.Completed, ObjectiveStatusCounters.Succeeded]' --output text | tr '\t' ' ')"
echo "pages $(sm list-training-jobs-for-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name "$NAME-a" --page-size 2 \
  --query 'length(TrainingJobSummaries)' --output text | tr '\n' ' ')"
echo "leader $(sm list-training-jobs-for-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name "$NAME-a" \
  --sort-by FinalObjectiveMetricValue --sort-order Descending --max-items 1 \
  --query 'TrainingJobSummaries[].TrainingJobName' --output json | tr -d '[] \n"')"
best=$(sm describe-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name "$NAME-a" --query BestTrainingJob.TrainingJobName --output text)
echo "best $best"
sm add-tags --resource-arn "$arn" --tags Key=team,Value=a Key=more,Value=b > "$work/tags"
sm delete-tags --resource-arn "$arn" --tag-keys more
echo "tags $(sm list-tags --resource-arn "$arn" --query 'Tags[].[Key,Value]' --output text | tr '\t' ' ')"
if [[ $(aws --version 2>&1) == aws-cli/2* ]]; then # `logs tail` is version 2's
  echo "tailed $(aws logs tail /aws/sagemaker/TrainingJobs --log-stream-name-prefix "$best/" --since 1h --format short | grep -c score=)"
fi
aws s3 cp "$(sm describe-training-job --training-job-name "$best" --query ModelArtifacts.S3ModelArtifacts --output text)" "$work/model.tar.gz" --no-progress
echo "model $(tar -tzf "$work/model.tar.gz")"

# One that is stopped, and deleted.
sed 's/"StaticHyperParameters": {/&"seconds": "600", /' "$work/definition.json" > "$work/slow.json" && mv "$work/slow.json" "$work/definition.json"
tuning "$NAME-b" 3 > "$work/b.json"
sm create-hyper-parameter-tuning-job --cli-input-json "file://$work/b.json" > /dev/null
sm stop-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name "$NAME-b"
echo "stopped $(ended "$NAME-b")"
echo "listed $(sm list-hyper-parameter-tuning-jobs --name-contains "$NAME" --sort-by Name --sort-order Ascending --page-size 1 \
  --query 'HyperParameterTuningJobSummaries[].HyperParameterTuningJobName' --output text | tr '\n\t' '  ')"
if sm delete-hyper-parameter-tuning-job --generate-cli-skeleton > /dev/null 2>&1; then # older ones do not know it
  sm delete-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name "$NAME-b"
  { sm describe-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name "$NAME-b" 2>&1 || true; } | grep -o "ResourceNotFound" | sed 's/^/deleted /'
fi

# Training jobs by themselves.
training() { # name, seconds
  sm create-training-job --training-job-name "$1" \
    --hyper-parameters "sagemaker_program=score.py,sagemaker_submit_directory=s3://$bucket/sourcedir.tar.gz,at=0.3,seconds=$2" \
    --algorithm-specification TrainingImage=683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3,TrainingInputMode=File \
    --role-arn arn:aws:iam::123456789012:role/SageMakerRole --output-data-config "S3OutputPath=s3://$bucket/output" \
    --resource-config InstanceType=ml.m5.large,InstanceCount=1,VolumeSizeInGB=10 --stopping-condition MaxRuntimeInSeconds=600 \
    --query TrainingJobArn --output text > /dev/null
}
training "$NAME-one" 0
sm wait training-job-completed-or-stopped --training-job-name "$NAME-one"
echo "one $(sm describe-training-job --training-job-name "$NAME-one" --query TrainingJobStatus --output text)"
training "$NAME-two" 600
sm stop-training-job --training-job-name "$NAME-two"
sm wait training-job-completed-or-stopped --training-job-name "$NAME-two"
echo "two $(sm describe-training-job --training-job-name "$NAME-two" --query TrainingJobStatus --output text)"
echo "by themselves $(sm list-training-jobs --name-contains "$NAME-" --status-equals Stopped \
  --query 'TrainingJobSummaries[].TrainingJobName' --output text)"
