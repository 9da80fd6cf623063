"""Models and endpoint configurations: definitions, which nothing happens to by itself."""

from dataclasses import dataclass

from local_emulator.domain.jobs import RecordStatus, Resource


class DefinitionStatus(RecordStatus):
    """AWS shows none; the store has a column for it."""

    DEFINED = "Defined"

    @property
    def may_follow(self) -> frozenset["DefinitionStatus"]:
        """None: it stays what it is."""
        return frozenset()


@dataclass(frozen=True, kw_only=True)
class Model(Resource):
    """A model; `request` is CreateModel as DescribeModel shows it."""

    status: DefinitionStatus = DefinitionStatus.DEFINED


@dataclass(frozen=True, kw_only=True)
class EndpointConfig(Resource):
    """An endpoint configuration; `request` is CreateEndpointConfig as DescribeEndpointConfig shows it."""

    status: DefinitionStatus = DefinitionStatus.DEFINED
