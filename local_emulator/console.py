"""Output of the command."""


def say(text: str) -> None:
    """Write a line at once, even if standard output is a pipe."""
    print(text, flush=True)  # noqa: T201 - a command line speaks
