#!/usr/bin/env bash
# A model, an endpoint, an answer and their end, with the AWS command line, as for AWS.
#
#   eval "$(sm-tuning emulator env)"
#   docs/examples/endpoint.sh
set -euo pipefail

image=683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3
role=arn:aws:iam::123456789012:role/SageMakerRole
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/code"
cat > "$work/code/inference.py" <<'PYTHON'
def model_fn(folder):
    return float(open(f"{folder}/factor").read())


def predict_fn(numbers, factor):
    return numbers * factor
PYTHON
echo 3 > "$work/factor"
tar -czf "$work/model.tar.gz" -C "$work" factor code

aws s3 mb s3://endpoint-example
aws s3 cp "$work/model.tar.gz" s3://endpoint-example/model.tar.gz
aws sagemaker create-model --model-name times-three --execution-role-arn $role --primary-container \
  "Image=$image,ModelDataUrl=s3://endpoint-example/model.tar.gz,Environment={SAGEMAKER_PROGRAM=inference.py,SAGEMAKER_SUBMIT_DIRECTORY=/opt/ml/model/code}"
aws sagemaker create-endpoint-config --endpoint-config-name times-three --production-variants \
  VariantName=AllTraffic,ModelName=times-three,InstanceType=ml.m5.large,InitialInstanceCount=1
aws sagemaker create-endpoint --endpoint-name times-three --endpoint-config-name times-three
until status=$(aws sagemaker describe-endpoint --endpoint-name times-three --query EndpointStatus --output text) \
  && [[ $status != Creating ]]; do sleep 1; done
echo "endpoint $status"

echo 1,2 > "$work/numbers.csv"
aws sagemaker-runtime invoke-endpoint --endpoint-name times-three --content-type text/csv --accept application/json \
  --body "fileb://$work/numbers.csv" "$work/answer.json"
echo "answer $(cat "$work/answer.json")"
aws sagemaker delete-endpoint --endpoint-name times-three
aws sagemaker delete-endpoint-config --endpoint-config-name times-three
aws sagemaker delete-model --model-name times-three
aws s3 rb --force s3://endpoint-example
