"""Whether a job may have its role."""

from collections.abc import Callable

from local_emulator.domain.errors import ValidationException
from local_emulator.settings import Settings


def check(role_arn: str, settings: Settings, exists: Callable[[str], bool]) -> None:
    """Raise ValidationException, in AWS's words, for a role that does not exist, if the settings want it to."""
    if settings.check_roles and not exists(role_arn):
        raise ValidationException(
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to "
            "assume the role."
        )
