"""Check every policy in the templates with parliament, and that the deploy role may do all that CloudFormation does for it.

Prints what it finds, and ends with 1 if that is anything. CloudFormation's own schemas, which cfn-lint brings, tell what it does.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cfnlint
import parliament
from cfnlint.decode import decode

# What a reference comes to in an account, near enough for a policy to be judged.
_FACTS = {
    "AWS::Partition": "aws",
    "AWS::AccountId": "123456789012",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "sm-tuning",
    "Project": "sm-tuning",
    "Boundary": "arn:aws:iam::123456789012:policy/sm-tuning-boundary",
    "MaxRuntimeSeconds": "14400",
    "Topic": "arn:aws:sns:us-east-1:123456789012:sm-tuning",
    "DataArns": "arn:aws:s3:::data/*",
    "DataBucketArns": "arn:aws:s3:::data",
    "OtherRepositoryArns": "arn:aws:ecr:us-east-1:683313688378:repository/sagemaker-scikit-learn",
    "Bucket.Arn": "arn:aws:s3:::sm-tuning-123456789012-us-east-1",
    "Repository.Arn": "arn:aws:ecr:us-east-1:123456789012:repository/sm-tuning",
    "Key.Arn": "arn:aws:kms:us-east-1:123456789012:key/1",
    "ExecutionRole.Arn": "arn:aws:iam::123456789012:role/sm-tuning-execution",
    "TuningJobEnded.Arn": "arn:aws:events:us-east-1:123456789012:rule/sm-tuning-tuning-job-ended",
    "Undelivered.Arn": "arn:aws:sqs:us-east-1:123456789012:sm-tuning-undelivered",
    "SecurityGroup.GroupId": "sg-1",
}
# What parliament finds and we keep: where, what, why.
_KEPT: Mapping[tuple[str, str], str] = {
    (
        "Boundary",
        "RESOURCE_STAR",
    ): "a boundary is a ceiling: names of tuning jobs are free, AWS's images lie in accounts of AWS's",
    ("DeployKmsAndVpc", "RESOURCE_STAR"): "tagged when it is made, a key has no name before",
    ("DeployKmsAndVpc", "UNKNOWN_ACTION"): "ec2:DescribeVpcEncryptionControls is newer than parliament's list",
    ("DeployRole.deploy", "UNKNOWN_ACTION"): "s3:GetBucketAbac is newer than parliament's list",
    ("DeployRole.deploy", "MISMATCHED_TYPE_BUT_USABLE"): "an exact ARN may be compared as a string",
}

# What CloudFormation may do with a type and does not with ours, for the template says nothing of the kind.
_UNUSED = re.compile(
    r"iam:PassRole|iam:(Attach|Detach)RolePolicy|iam:DeleteRolePermissionsBoundary|iam:\w+(Group|User)Policy"
    r"|s3:(Create|Delete|Put|Update)(Bucket)?(Abac|Accelerate|Acl|Analytics|C[Oo][Rr][Ss]|Encryption|IntelligentTiering|Inventory"
    r"|Lifecycle|Logging|Metadata|Metrics|Notification|Object|Replication|Website)\w*|s3tables:\w+|s3:REST.PUT.OBJECT"
    r"|logs:(Associate|Disassociate|CreateLogDelivery|Delete|Put)\w*|firehose:\w+|sns:PutDataProtectionPolicy"
    r"|ecr:(Set|Delete)RepositoryPolicy|kms:(RetireGrant|DisableKey|EnableKey)|vpc-lattice:\w+|vpce:\w+"
    r"|ec2:(Associate|Disassociate)SubnetCidrBlock|ec2:CreateVpcEncryptionControl|ec2:ModifyVpcTenancy"
)


def _plain(node: Any, facts: Mapping[str, str]) -> Any:  # noqa: ANN401, PLR0911 - JSON; a return for each function
    """A part of a template with its references replaced by what they come to; of an `Fn::If` what it adds."""
    if isinstance(node, list):
        return [_plain(item, facts) for item in node if item != {"Ref": "AWS::NoValue"}]
    if not isinstance(node, Mapping):
        return node
    if "Ref" in node:
        return facts.get(node["Ref"], node["Ref"])
    if "Fn::GetAtt" in node:
        name = node["Fn::GetAtt"]
        return facts[name if isinstance(name, str) else ".".join(name)]
    if "Fn::Sub" in node:
        return re.sub(r"\$\{([^}]+)\}", lambda hit: facts.get(hit[1], hit[1]), node["Fn::Sub"])
    if "Fn::If" in node:
        return _plain(node["Fn::If"][1], facts)
    return {name: _plain(value, facts) for name, value in node.items()}


def _policies(template: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(where, document) of every policy of a role."""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}:
            yield name, json.dumps(_plain(properties["PolicyDocument"], _FACTS))
        for policy in properties.get("Policies", ()) if resource["Type"] == "AWS::IAM::Role" else ():
            yield f"{name}.{policy['PolicyName']}", json.dumps(_plain(policy["PolicyDocument"], _FACTS))


def _findings(path: Path) -> Iterator[str]:
    template, faults = decode(str(path))
    if template is None:
        yield from map(str, faults)
        return
    for where, policy in _policies(json.loads(json.dumps(template, default=str))):
        analyzed = parliament.analyze_policy_string(policy)
        for finding in analyzed.findings:
            if (where, finding.issue) not in _KEPT:
                yield f"{where}: {finding.issue} {finding.detail} {finding.location}"


def _not_allowed(bootstrap: Path, tuning: Path) -> Iterator[str]:
    """What CloudFormation does with the tuning stack's types and the deploy role may not."""
    template, _ = decode(str(bootstrap))
    policies = [
        policy for where, policy in _policies(json.loads(json.dumps(template, default=str))) if where.startswith("Deploy")
    ]
    statements = [statement for policy in policies for statement in json.loads(policy)["Statement"]]
    may = {
        action
        for statement in statements
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    made, _ = decode(str(tuning))
    kinds = {resource["Type"] for resource in made["Resources"].values()}
    for schema in (
        json.loads(path.read_text("utf-8")) for path in (Path(cfnlint.__file__).parent / "data/schemas/resources").glob("*.json")
    ):
        if schema.get("typeName") in kinds:
            handlers = {name: handler for name, handler in schema.get("handlers", {}).items() if name != "list"}
            needed = {action for handler in handlers.values() for action in handler.get("permissions", ())}
            for action in sorted(needed - may):
                if not _UNUSED.fullmatch(action):
                    yield f"{bootstrap}: DeployRole lacks {action}, which CloudFormation needs for {schema['typeName']}"


def main() -> int:
    """Check the policies of the two templates named on the command line, the bootstrap stack's first."""
    bootstrap, tuning = (Path(name) for name in sys.argv[1:])
    findings = [f"{path}: {finding}" for path in (bootstrap, tuning) for finding in _findings(path)] + [
        *_not_allowed(bootstrap, tuning)
    ]
    sys.stdout.writelines(f"{finding}\n" for finding in findings)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
