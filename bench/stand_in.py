"""The stand-in Klaviyo in a process of its own, for as long as a `with` block lasts."""

import argparse
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import trustme
import uvicorn

from bench.measure import python
from sandbox.klaviyo import SCOPES, Fault, ImportFailure, JobPlan, StandIn, app
from sandbox.klaviyo.accounts import Account
from sandbox.klaviyo.endpoints import ENDPOINTS, JOBS
from sandbox.klaviyo.imports import read_profiles
from sandbox.klaviyo.jobs import ImportJob
from sandbox.people import email

POSTS = f"POST {JOBS}"


@dataclass(frozen=True, slots=True)
class Running:
    """A stand-in that serves."""

    url: str

    def requests(self, endpoint: str = "") -> list[dict[str, Any]]:
        """The requests that it has answered, of an endpoint or of all."""
        answer = httpx.get(f"{self.url}/sandbox/requests", timeout=60)
        found: list[dict[str, Any]] = answer.json()["requests"]
        return [request for request in found if endpoint in ("", request["endpoint"])]


@contextmanager
def running_stand_in(*options: str) -> Iterator[Running]:
    """Starts `python -m bench.stand_in` and ends it with the block."""
    with subprocess.Popen(  # noqa: S603 - our own command
        python("stand_in", *options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101
        try:
            if not (url := process.stdout.readline().strip()):
                raise RuntimeError("the stand-in did not start")
            yield Running(url)
        finally:
            process.kill()


class Counting(StandIn):
    """Takes what comes and counts it: on this machine a look at each profile takes longer than its post."""

    def accept_import(self, account: Account, body: Any) -> ImportJob:
        job = ImportJob(
            number=self._next_number(),
            list_id=None,
            created=self.clock(),
            plan=JobPlan(self.job_seconds),
            total=len(read_profiles(body)),
            waiting=[],
            failed=[],
        )
        account.add_job(job)
        return job


def make(options: argparse.Namespace) -> StandIn:
    """A stand-in with the account of the example, and as many more as are asked for."""
    stand_in = (Counting if options.counting else StandIn)(job_seconds=options.job_seconds)
    # Klaviyo's own limits, or such as nothing here comes near to: a client learns them from the answers.
    tiers = {endpoint.name: "XL" for endpoint in ENDPOINTS} if options.wide else {}
    keys = {"pk_sandbox": SCOPES}
    stand_in.add_account("SNDBOX", "Sandbox", keys=keys, lists={"Y6nRLr": "VIP"}, tiers=tiers)
    for number in range(options.accounts):
        keys = {f"pk_{number}": SCOPES}
        stand_in.add_account(f"ACC{number}", f"Account {number}", keys=keys, lists={f"L{number}": "VIP"})
    stand_in.failures = {email(index): ImportFailure() for index in range(options.failures)}
    if options.latency:
        stand_in.faults.add([Fault("slow", method="POST", nth=None, seconds=options.latency)])
    return stand_in


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--wide", action="store_true", help="limits that nothing comes near to")
    parser.add_argument("--counting", action="store_true", help="take profiles unseen")
    parser.add_argument(
        "--accounts", type=int, default=0, help="more accounts: ACC<n>, key pk_<n>, list L<n>"
    )
    parser.add_argument("--failures", type=int, default=0, help="how many of the first people no job imports")
    parser.add_argument("--job-seconds", type=float, default=0, help="how long a job takes")
    parser.add_argument("--latency", type=float, default=0, help="seconds until a post is answered")
    parser.add_argument("--tls", type=Path, help="serve TLS, and leave the authority's certificate here")
    options = parser.parse_args()
    certificate: dict[str, Any] = {}
    if options.tls:
        authority = trustme.CA()
        issued = authority.issue_cert("localhost")
        authority.cert_pem.write_to_path(options.tls)
        chain = options.tls.with_suffix(".server.pem")
        issued.private_key_and_cert_chain_pem.write_to_path(chain)
        certificate = {"ssl_certfile": chain}
    config = uvicorn.Config(app(make(options)), log_config=None, access_log=False, **certificate)
    # Named as TCP, as in sandbox.serving.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = uvicorn.Server(config)
    threading.Thread(target=_end_with_stdin, args=[server], daemon=True).start()
    scheme, host = ("https", "localhost") if certificate else ("http", "127.0.0.1")
    sys.stdout.write(f"{scheme}://{host}:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    server.run([listener])


def _end_with_stdin(server: uvicorn.Server) -> None:
    """Its starter holds the other end, and so it ends with it, however that ends."""
    sys.stdin.read()
    server.should_exit = True


if __name__ == "__main__":
    main()
