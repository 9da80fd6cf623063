"""Tags of tuning and training jobs."""

from collections.abc import Callable

from tests.unit.local_emulator.api.conftest import Ask

Tune = Callable[[str], str]


def pairs(**tags: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def test_added_changed_listed_and_removed(ask: Ask, tune: Tune) -> None:
    arn = tune("a")
    assert ask("AddTags", {"ResourceArn": arn, "Tags": pairs(a="1", b="2")})[1]["Tags"] == pairs(a="1", b="2")
    assert ask("AddTags", {"ResourceArn": arn, "Tags": pairs(b="3")})[1]["Tags"] == pairs(a="1", b="3")
    assert ask("DeleteTags", {"ResourceArn": arn, "TagKeys": ["a", "none"]}) == (200, {})
    assert ask("ListTags", {"ResourceArn": arn})[1] == {"Tags": pairs(b="3")}


def test_a_page_holds_all_of_them(ask: Ask, tune: Tune) -> None:
    arn = tune("a")
    tags = pairs(**{f"t{number:02}": "x" for number in range(50)})
    ask("AddTags", {"ResourceArn": arn, "Tags": tags})
    assert ask("ListTags", {"ResourceArn": arn, "MaxResults": 50})[1] == {"Tags": tags}
    assert ask("ListTags", {"ResourceArn": arn, "MaxResults": 49})[1]["__type"] == "ValidationException"


def test_there_are_50_at_most(ask: Ask, tune: Tune) -> None:
    arn = tune("a")
    assert ask("AddTags", {"ResourceArn": arn, "Tags": pairs(**{f"a{n}": "x" for n in range(50)})})[0] == 200
    status, document = ask("AddTags", {"ResourceArn": arn, "Tags": pairs(one_more="x")})
    assert (status, document["__type"]) == (400, "ValidationException")
    assert "There would be 51 tags" in document["message"]


def test_of_what_there_is_not(ask: Ask, tune: Tune) -> None:
    arn = tune("a")
    assert ask("ListTags", {"ResourceArn": f"{arn}-none"})[1]["__type"] == "ResourceNotFound"
    assert ask("ListTags", {"ResourceArn": arn}, "eu-west-1")[1]["__type"] == "ResourceNotFound"
