#!/usr/bin/env bash
# A Grid and a Random tuning job with nothing but the `aws` command line; the same commands run in AWS and on the emulator:
#
#   python -m local_emulator serve            # in one terminal; it prints the exports for the other
#   export AWS_ENDPOINT_URL=http://127.0.0.1:4577 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
#   bash docs/examples/aws_cli.sh
set -euo pipefail
export AWS_PAGER=""
bucket=aws-cli-example
scripts=$(cd "$(dirname "$0")/../../training_scripts" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tar -czf "$work/sourcedir.tar.gz" -C "$scripts" mlp.py contract.py images.py network.py
aws s3 mb "s3://$bucket"
aws s3 cp "$work/sourcedir.tar.gz" "s3://$bucket/source/sourcedir.tar.gz"

definition=$(cat <<JSON
{
  "StaticHyperParameters": {
    "epochs": "4", "sagemaker_program": "mlp.py", "sagemaker_submit_directory": "s3://$bucket/source/sourcedir.tar.gz"
  },
  "AlgorithmSpecification": {
    "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
    "TrainingInputMode": "File",
    "MetricDefinitions": [{"Name": "validation:accuracy", "Regex": "validation:accuracy=([0-9.eE+-]+)"}]
  },
  "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
  "OutputDataConfig": {"S3OutputPath": "s3://$bucket/output"},
  "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
  "StoppingCondition": {"MaxRuntimeInSeconds": 600}
}
JSON
)

config() { # strategy, limits, ranges
  cat <<JSON
{
  "Strategy": "$1",
  "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:accuracy"},
  "ResourceLimits": $2,
  "ParameterRanges": $3
}
JSON
}

aws sagemaker create-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name cli-grid \
  --training-job-definition "$definition" --hyper-parameter-tuning-job-config "$(config Grid \
  '{"MaxParallelTrainingJobs": 2}' \
  '{"CategoricalParameterRanges": [{"Name": "learning_rate", "Values": ["0.001", "0.01"]}, {"Name": "batch_size", "Values": ["64"]}]}')"
aws sagemaker create-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name cli-random \
  --training-job-definition "$definition" --hyper-parameter-tuning-job-config "$(config Random \
  '{"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 3}' \
  '{"ContinuousParameterRanges": [{"Name": "learning_rate", "MinValue": "0.0005", "MaxValue": "0.02", "ScalingType": "Logarithmic"}]}')"

for job in cli-grid cli-random; do
  until status=$(aws sagemaker describe-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name $job \
    --query HyperParameterTuningJobStatus --output text) && [[ $status != InProgress ]]; do sleep 1; done
  echo "$job: $status"
  aws sagemaker list-training-jobs-for-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name $job \
    --sort-by FinalObjectiveMetricValue --sort-order Descending --output table \
    --query 'TrainingJobSummaries[].[TrainingJobName,TrainingJobStatus,FinalHyperParameterTuningJobObjectiveMetric.Value]'
  [[ $status == Completed ]]
done

best=$(aws sagemaker describe-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name cli-random \
  --query BestTrainingJob.TrainingJobName --output text)
stream=$(aws logs describe-log-streams --log-group-name /aws/sagemaker/TrainingJobs --log-stream-name-prefix "$best/" \
  --query 'logStreams[0].logStreamName' --output text)
aws logs get-log-events --log-group-name /aws/sagemaker/TrainingJobs --log-stream-name "$stream" --start-from-head \
  --query "events[?contains(message, 'validation:accuracy=')].message | [-1]" --output text
model=$(aws sagemaker describe-training-job --training-job-name "$best" --query ModelArtifacts.S3ModelArtifacts --output text)
aws s3 cp "$model" "$work/model.tar.gz"
tar -tzf "$work/model.tar.gz"
