"""Which faults moto shows, as JSON: without arguments of moto as it is, with `patched` of moto with the emulator's patches."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from moto import mock_aws
from moto.moto_server import werkzeug_app

from local_emulator.cloud.moto_patches import cloudformation, events, keys, operations, tagging
from local_emulator.settings import Quotas
from tests.acceptance.programs import one_loader, rare_gc  # noqa: F401 - they change botocore and this process
from tests.integration.local_emulator.cloud.moto_patches import probes_of_services, probes_of_stacks, probes_of_types
from tests.integration.local_emulator.cloud.moto_patches.probing import PROBES, evaluated, with_output

MODULES = (probes_of_services, probes_of_stacks, probes_of_types)  # each registers its probes


@contextmanager
def patches(*, wanted: bool) -> Iterator[None]:
    """Apply what is applied until a context ends."""
    if not wanted:
        yield
        return
    with operations.applied(Quotas()), tagging.applied(lambda *_: {}, lambda _scope: ()):
        yield


def main() -> None:
    """Run every probe, each with a moto that is empty."""
    patched = sys.argv[1:] == ["patched"]
    if patched:
        events.apply()
        keys.apply()
        keys.route(werkzeug_app)
        cloudformation.apply()
    with mock_aws():  # the clients are made while moto is there, and are kept
        control = with_output("control")
        assert evaluated(control) == "control", "a stack that needs no patch"
    shown = {}
    for name, function in PROBES.items():
        with mock_aws(), patches(wanted=patched):
            shown[name] = function()
    print(json.dumps(shown))


if __name__ == "__main__":
    main()
