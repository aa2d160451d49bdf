"""A process that works once its standard input says so: python -m bench.worker NUMBER OF AT_ONCE CONTENDER

As a worker of the queue it is the local Functions host with this app; else it runs each OF-th export.
"""

import json
import signal
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.adapters.clock import Deadline
from shared.runs.advance import run
from shared.runs.starting import Request
from shared.services import process_services

ROOT = Path(__file__).parents[1]


def main() -> None:
    number, of, at_once, contender = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    if contender == "dealt out beforehand":
        dealt(number, of, at_once)
    else:
        host(at_once)


def dealt(number: int, of: int, at_once: int) -> None:
    """Runs its share, so many exports at once."""
    services = process_services()
    mine = [listed.id for listed in services.catalog.exports() if listed.id != "vip"][number::of]
    wait_for_start()

    def one(export: str) -> None:
        run(services, export, Request("command", "bench"), Deadline(services.clock, 3600))

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, mine))
    signal.pause()


def host(at_once: int) -> None:
    """Serves the app from a folder with a host.json of its own."""
    from sandbox.functions_host import FunctionsHost
    from sandbox.serving import serving

    with tempfile.TemporaryDirectory() as folder:
        settings = json.loads((ROOT / "host.json").read_text())
        settings["extensions"]["queues"] |= {"batchSize": 1, "newBatchThreshold": at_once - 1}
        (Path(folder) / "host.json").write_text(json.dumps(settings))
        (Path(folder) / "function_app.py").write_text((ROOT / "function_app.py").read_text())
        app = FunctionsHost(Path(folder)).app
        wait_for_start()
        with serving(app):
            threading.Event().wait()


def wait_for_start() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    main()
