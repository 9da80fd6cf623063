from dataclasses import replace

from local_emulator.documents import registry
from local_emulator.domain.registry import ModelPackage
from tests.made_jobs import NOW, SCOPE


def package(**request: object) -> ModelPackage:
    arn = SCOPE.arn("model-package", "g/1")
    return ModelPackage(name="g/1", arn=arn, request=registry.package(request), created=NOW, modified=NOW, group="g", number=1)


def test_a_version_waits_for_approval_and_a_named_package_does_not() -> None:
    assert registry.approval(package(ModelPackageGroupName="g")) == "PendingManualApproval"
    assert registry.approval(package(ModelPackageGroupName="g", ModelApprovalStatus="Rejected")) == "Rejected"
    assert registry.approval(package(ModelPackageName="n")) is None


def test_an_update_adds_what_is_to_be_added_and_counts() -> None:
    before = package(ModelPackageGroupName="g", AdditionalInferenceSpecifications=[{"Name": "a"}])
    after = registry.updated(before, {"AdditionalInferenceSpecificationsToAdd": [{"Name": "b"}], "SourceUri": "s"}, NOW)
    assert after.request["AdditionalInferenceSpecifications"] == [{"Name": "a"}, {"Name": "b"}]
    assert after.updated == ("SourceUri", "AdditionalInferenceSpecifications")
    assert registry.updated(after, {}, NOW).updates == 2


def test_what_is_no_member_of_an_answer_is_left_out() -> None:
    made = package(ModelPackageGroupName="g", ClientToken="t", Tags=[], ModelPackageDescription="d")
    assert not {"ClientToken", "Tags"} & registry.described_package(made).keys()
    assert registry.package_summary(made)["ModelPackageDescription"] == "d"
    assert registry.package_summary(replace(made, group=None, number=None))["ModelPackageName"] == "g/1"
