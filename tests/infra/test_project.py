"""What names a project's stacks, and what is given to their templates."""

import pytest

from sm_tuning.errors import Invalid
from sm_tuning.infra.project import parameters_of
from tests.infra.conftest import Command, of


def test_what_has_an_option_of_its_own_is_no_parameter(infra: Command) -> None:
    said = infra("deploy", *of("own-t"), "Project=another", "Environment=x")
    assert said.code == 2
    assert "Environment and Project name the stack; give --project and --environment" in said.err


@pytest.mark.parametrize("word", ["x", "=x"])
def test_a_parameter_is_a_name_and_a_value(word: str) -> None:
    assert parameters_of(["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    with pytest.raises(Invalid, match="must be NAME=VALUE"):
        parameters_of([word])
