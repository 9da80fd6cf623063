"""What must exist in an AWS account, as CloudFormation templates, and the command that deploys and removes it: `python -m infra`.

It knows nothing of the other rooms: a stack's outputs are its contract with `sm-tuning run --aws --stack NAME`.
"""
