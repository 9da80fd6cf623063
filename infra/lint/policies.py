"""Check every policy in the templates with parliament, and that who deploys and deletes may do what CloudFormation does for them.

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
    "Project": "sm-tuning",
    "Environment": "production",
    "MaxRuntimeSeconds": "14400",
    "Topic": "arn:aws:sns:us-east-1:123456789012:sm-tuning-production",
    "DataArns": "arn:aws:s3:::data/*",
    "DataBucketArns": "arn:aws:s3:::data",
    "OtherRepositoryArns": "arn:aws:ecr:us-east-1:683313688378:repository/sagemaker-scikit-learn",
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1",
    "Bucket.Arn": "arn:aws:s3:::sm-tuning-production-123456789012-us-east-1",
    "Key.Arn": "arn:aws:kms:us-east-1:123456789012:key/1",
    "ExecutionRole.Arn": "arn:aws:iam::123456789012:role/sm-tuning-production-us-east-1-execution",
    "TuningJobEnded.Arn": "arn:aws:events:us-east-1:123456789012:rule/sm-tuning-production-tuning-job-ended",
    "Undelivered.Arn": "arn:aws:sqs:us-east-1:123456789012:sm-tuning-production-undelivered",
    "Subnets": "subnet-1",
    "SecurityGroups": "sg-1",
}
# Conditions under which the templates' policies say less: the judged project has everything of its own.
_NOT_SO = frozenset({"HasExistingBucket"})
# What parliament finds and we keep: where, what, why.
_KEPT: Mapping[tuple[str, str], str] = {
    (
        "Boundary",
        "RESOURCE_STAR",
    ): "a boundary is a ceiling: names of tuning jobs are free, AWS's images lie in accounts of AWS's",
    ("DeployPolicy", "UNKNOWN_ACTION"): "s3:GetBucketAbac is newer than parliament's list",
}

# What CloudFormation may do with a type and does not with ours, for the template says nothing of the kind.
_UNUSED = re.compile(
    r"iam:PassRole|s3:(Create|Delete|Put|Update)(Bucket)?(Abac|Accelerate|Acl|Analytics|C[Oo][Rr][Ss]|Encryption|IntelligentTiering|Inventory"
    r"|Lifecycle|Logging|Metadata|Metrics|Notification|Object|Replication|Website)\w*|s3tables:\w+|s3:REST.PUT.OBJECT"
    r"|logs:CreateLogDelivery|firehose:\w+|sns:PutDataProtectionPolicy"
    r"|iam:GetRole|ecr:SetRepositoryPolicy|ecr:Delete(Repository|Lifecycle)Policy|kms:(CreateGrant|Decrypt|DescribeKey|Encrypt|GenerateDataKey|RetireGrant)"
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
        text, own = node["Fn::Sub"] if isinstance(node["Fn::Sub"], list) else (node["Fn::Sub"], {})
        known = {**facts, **_plain(own, facts)}
        return re.sub(r"\$\{([^}]+)\}", lambda hit: str(known.get(hit[1], hit[1])), text)
    if "Fn::If" in node:
        name, then, otherwise = node["Fn::If"]
        return _plain(otherwise if name in _NOT_SO else then, facts)
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


def _actions(template: Mapping[str, Any], policy: str) -> set[str]:
    statements = json.loads(dict(_policies(template))[policy])["Statement"]
    named = [[statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"] for statement in statements]
    return {action for actions in named for action in actions}


def _not_allowed(bootstrap: Path, tuning: Path) -> Iterator[str]:
    """What CloudFormation does with the tuning stack's types, and the role that it does it for may not.

    Deploying creates, changes and reads, and deletes what a parameter may switch off; deleting all is the teardown role's.
    """
    template, _ = decode(str(bootstrap))
    rights = json.loads(json.dumps(template, default=str))
    deploy, teardown = _actions(rights, "DeployPolicy"), _actions(rights, "TeardownPolicy")
    made, _ = decode(str(tuning))
    kinds: dict[str, bool] = {}
    for resource in made["Resources"].values():
        switched = "Condition" in resource and resource["Condition"] != "MakeBucket"
        kinds[resource["Type"]] = switched and kinds.get(resource["Type"], True)
    for schema in (
        json.loads(path.read_text("utf-8")) for path in (Path(cfnlint.__file__).parent / "data/schemas/resources").glob("*.json")
    ):
        kind = schema.get("typeName")
        if kind not in kinds:
            continue
        handlers = {name: set(handler.get("permissions", ())) for name, handler in schema.get("handlers", {}).items()}
        deploying = set().union(*(handlers.get(name, set()) for name in ("create", "read", "update")))
        deleting = handlers.get("delete", set())
        wanted = {
            "DeployPolicy": (deploying | (deleting if kinds[kind] else set())) - deploy,
            "TeardownPolicy": deleting - teardown,
        }
        for policy, missing in wanted.items():
            for action in sorted(missing):
                if not _UNUSED.fullmatch(action):
                    yield f"{bootstrap}: {policy} lacks {action}, which CloudFormation needs for {kind}"


def main() -> int:
    """Check the policies of the templates named on the command line, the bootstrap stack's and the tuning stack's first."""
    bootstrap, tuning, *others = (Path(name) for name in sys.argv[1:])
    findings = [f"{path}: {finding}" for path in (bootstrap, tuning, *others) for finding in _findings(path)]
    findings += _not_allowed(bootstrap, tuning)
    sys.stdout.writelines(f"{finding}\n" for finding in findings)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
