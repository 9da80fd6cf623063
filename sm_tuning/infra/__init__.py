"""What must exist in an AWS account, as CloudFormation templates, deployed and removed by `sm-tuning infra`.

It knows nothing of tuning jobs' descriptions: a stack's outputs are its contract with `sm-tuning run --aws --stack NAME`.
"""
