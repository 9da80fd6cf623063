"""What moto lacks or does otherwise than AWS, and how it is patched while the emulator uses it.

`operations`, `events` and `keys` are applied when moto comes up, `cloudformation` with `parameters`, `identities` and `resource_types`
at the first request to CloudFormation, and `sagemaker_resources` with `sagemaker_stacks`, by which stacks have models and endpoints of
ours, then too. `tagging` is applied at the first request to the Resource Groups Tagging API. `policies` evaluates
IAM policies for `operations`; it patches nothing.

`PATCHES` names every patch, the newest version of moto that was seen to need it, and moto's fault. For each of them
`tests/integration/local_emulator/cloud/moto_patches` shows that moto has the fault without the patches and not with them. When such a
test fails after an update of moto because moto no longer has the fault, delete the patch.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Patch(NamedTuple):
    """A patch: the module that applies it, the newest version of moto seen to need it, and moto's fault."""

    module: str
    moto: str
    fault: str


PATCHES: Mapping[str, Patch] = {
    "rules_with_topics": Patch("events", "5.2.5", "a rule whose target is an SNS topic fails"),
    "plain_http_denied": Patch("events", "5.2.5", "a bucket policy that denies plain HTTP denies all requests"),
    "line_feeds_in_keys": Patch("keys", "5.2.5", "the server knows no address of a key with a line feed"),
    "carriage_returns_in_keys": Patch("keys", "5.2.5", "a key with a carriage return is told as one with a line feed"),
    "encoded_lists": Patch("keys", "5.2.5", "of lists in encoding-type=url some members are not encoded, which clients decode"),
    "simulate_principal_policy": Patch("operations", "5.2.5", "IAM has no SimulatePrincipalPolicy"),
    "list_service_quotas": Patch("operations", "5.2.5", "ListServiceQuotas knows no quotas of SageMaker"),
    "filter_log_events": Patch("operations", "5.2.5", "FilterLogEvents ignores logStreamNamePrefix"),
    "labels_of_metrics": Patch("operations", "5.2.5", "in GetMetricData the default label of a metric has its statistic"),
    "tag_keys_once": Patch("tagging", "5.2.5", "GetTagKeys and GetTagValues repeat what several resources have"),
    "templates_that_run_code": Patch("cloudformation", "5.2.5", "a template in YAML may construct any Python object"),
    "template_urls": Patch("cloudformation", "5.2.5", "of a TemplateURL at no name of AWS's the host is taken for the bucket"),
    "condition_tag": Patch("cloudformation", "5.2.5", "`!Condition` is taken for `Fn::Condition`"),
    "no_value_in_lists": Patch("cloudformation", "5.2.5", "`AWS::NoValue` leaves a gap in a list"),
    "cidr": Patch("cloudformation", "5.2.5", "there is no `Fn::Cidr`"),
    "default_lists": Patch("cloudformation", "5.2.5", "the default of a CommaDelimitedList is no list"),
    "constraints_of_parameters": Patch(
        "cloudformation", "5.2.5", "AllowedPattern, AllowedValues, MinValue, MaxValue are ignored"
    ),
    "rules": Patch("cloudformation", "5.2.5", "a template's Rules are ignored"),
    "lists_as_they_were_given": Patch("cloudformation", "5.2.5", "DescribeStacks returns a list where AWS returns the text"),
    "conditions_in_updates": Patch("cloudformation", "5.2.5", "an update ignores the conditions of resources"),
    "changes_by_parameters": Patch("cloudformation", "5.2.5", "a change set shows no change that a parameter makes"),
    "parameters_of_updated_stacks": Patch("cloudformation", "5.2.5", "a change set is compared with a stack's first parameters"),
    "previous_values": Patch(
        "cloudformation", "5.2.5", "UsePreviousValue of a change set is what the value came to: a list, what SSM has"
    ),
    "outputs_of_updates": Patch("cloudformation", "5.2.5", "a change set changes no outputs"),
    "removed_resources": Patch("cloudformation", "5.2.5", "a resource that was removed is not made again"),
    "names_of_change_sets": Patch(
        "cloudformation", "5.2.5", "a change set is found by its name in any stack, and none is deleted"
    ),
    "refused_change_sets": Patch("cloudformation", "5.2.5", "a change set that is refused leaves a stack"),
    "failed_creations": Patch("cloudformation", "5.2.5", "a creation that fails is not rolled back"),
    "owned_resources": Patch("cloudformation", "5.2.5", "two stacks may own one topic, queue or bucket"),
    "stacks_of_resources": Patch("cloudformation", "5.2.5", "DescribeStackResources ignores PhysicalResourceId"),
    "failed_deletions": Patch("cloudformation", "5.2.5", "a stack whose deletion fails is gone"),
    "retained_resources": Patch("cloudformation", "5.2.5", "RetainExceptOnCreate does not retain"),
    "adopted_resources": Patch("cloudformation", "5.2.5", "a retained resource is not taken over by the next stack"),
    "route_tables": Patch("cloudformation", "5.2.5", "a route table, and with it the VPC, is not deleted"),
    "versioned_buckets": Patch("cloudformation", "5.2.5", "VersioningConfiguration of a bucket is ignored"),
    "policies_of_roles": Patch("cloudformation", "5.2.5", "an update of a role leaves its inline policies"),
    "managed_policies_of_roles": Patch("identities", "5.2.5", "a role of a stack gets none of its ManagedPolicyArns"),
    "changed_managed_policies": Patch("identities", "5.2.5", "an update leaves a managed policy as it was"),
    "deleted_managed_policies": Patch("identities", "5.2.5", "a managed policy stays when its stack is deleted"),
    "bucket_policies": Patch("resource_types", "5.2.5", "there is no AWS::S3::BucketPolicy"),
    "topic_policies": Patch("resource_types", "5.2.5", "there is no AWS::SNS::TopicPolicy"),
    "queue_policies": Patch("resource_types", "5.2.5", "there is no AWS::SQS::QueuePolicy"),
    "egress_to_groups": Patch("resource_types", "5.2.5", "there is no AWS::EC2::SecurityGroupEgress"),
    "subscriptions": Patch("resource_types", "5.2.5", "there is no AWS::SNS::Subscription"),
    "identity_providers": Patch("resource_types", "5.2.5", "there is no AWS::IAM::OIDCProvider"),
    "budgets": Patch("resource_types", "5.2.5", "there is no AWS::Budgets::Budget"),
}
