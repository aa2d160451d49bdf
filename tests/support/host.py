"""The app in the local Functions host, in a process of its own, as `segment-export serve` starts it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from subprocess import PIPE, STDOUT, Popen

import httpx

COMMAND = Path(sys.executable).parent / "segment-export"
SERVE = (str(COMMAND), "serve", "--port", "0")
# The first of January: a timer that no test waits for, and that gets into none's way.
SELDOM = "0 0 0 1 1 *"


@contextmanager
def running_host(environment: Mapping[str, str], command: Sequence[str] = SERVE) -> Iterator[httpx.Client]:
    """Serves the app on a free port and yields a client with the function key; Ctrl-C ends it."""
    environment = {"EXPORT_SCHEDULE": SELDOM, **environment}
    with Popen(command, env=environment, stdout=PIPE, stderr=STDOUT, text=True) as process:
        assert process.stdout is not None
        said = []
        try:
            for line in process.stdout:
                said.append(line)
                if line.startswith("Serving "):
                    break
            else:
                raise RuntimeError(f"The host did not start: {''.join(said)}")
            url = line.split()[-1]
            with httpx.Client(base_url=url, headers={"x-functions-key": "local"}, timeout=120) as client:
                yield client
        finally:
            process.send_signal(SIGINT)
            rest = process.stdout.read()
        assert process.wait(30) == 0, rest
