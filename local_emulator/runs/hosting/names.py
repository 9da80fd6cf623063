"""The hosts that the containers of one instance are on: names of folders, from which those of the containers can be told."""


def host_of(prefix: str, number: int, container: str) -> str:
    """The host of a container, counted from 1."""
    numbered = f"{prefix}-{number}"
    return numbered if container in {numbered, "primary"} else f"{numbered}.{container}"


def container_of(host: str) -> str:
    """The name of the container on a host."""
    return host.partition(".")[2] or host
