"""What the programs of a run need for as long as they run: hosts' addresses, a serving program's port, what feeds FIFOs."""

from dataclasses import dataclass, replace

from local_emulator.domain.spec import Host
from local_emulator.runs import addresses, disk, pipes
from local_emulator.runs.addresses import Block
from local_emulator.runs.folder import RunFolder, write_whole
from local_emulator.runs.hosting.port import BIND_TO_PORT, free_ports
from local_emulator.runs.pipes import Feeder, PipeError
from local_emulator.runs.run import Cause, Contract, Run


class ProvisionError(Exception):
    """Something that the programs need cannot be had; the text is the run's message."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause


@dataclass
class Provision:
    """What has been provided, held until the supervisor ends: addresses of hosts, and what feeds FIFOs, if there are any."""

    addresses: Block | None = None
    feeder: Feeder | None = None

    def end_feeder(self) -> None:
        """End what feeds the FIFOs, if it is there."""
        feeder, self.feeder = self.feeder, None
        if feeder is not None:
            feeder.end()


def provide(run: Run, folder: RunFolder) -> tuple[Run, Provision]:
    """Provide what the programs of a run need; the run as it is started then. Raises ProvisionError."""
    provision = Provision()
    try:
        if run.contract is Contract.SERVING:  # containers of an endpoint's instance share its addresses
            run = _with_ports(run, folder)
        elif run.hosts or (run.opt_ml and not run.servers):
            hosts = [host.name for host in run.hosts] or [Host().name]
            provision.addresses = addresses.take(run.id, len(hosts))
            addresses.lay(folder, hosts, provision.addresses)
        provision.feeder = pipes.feed(run, folder)
    except PipeError as error:
        raise ProvisionError(Cause.DATA, str(error)) from error
    except OSError as error:
        if error.errno in disk.FULL:
            raise ProvisionError(Cause.DISK, f"ClientError: No space left on device: {error.filename or folder.path}") from error
        raise ProvisionError(Cause.ENGINE, f"InternalServerError: {error}") from error
    return run, provision


def _with_ports(run: Run, folder: RunFolder) -> Run:
    """Name each serving program its port, and keep that in its folder."""
    parts = run.on_hosts
    ports = [str(port) for port in free_ports(len(parts))]
    for part, port in zip(parts, ports, strict=True):
        write_whole(folder.host(part.host).port, port.encode())
    hosts = tuple(replace(host, env={**host.env, BIND_TO_PORT: port}) for host, port in zip(run.hosts, ports, strict=False))
    return replace(run, env={**run.env, BIND_TO_PORT: ports[0]}, hosts=hosts)
