"""Table 10: many accounts due at once, for workers of the queue in several processes."""

import os
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Self

from bench.ground import (
    Ground,
    documents_of_accounts,
    keys_of_accounts,
    lay_out,
    let_all_be_due,
    write_documents,
    write_secrets,
)
from bench.measure import python
from bench.output import show
from bench.stand_in import POSTS, running_stand_in
from shared import state
from shared.runs.record import RunRecord
from shared.runs.work.tick import tick
from shared.services import Services
from shared.settings import Settings
from tests.support.azurite import Azurite, AzuriteQueues, running_azurite, running_queues

ACCOUNTS = 100
PEOPLE = 5_000
PROCESSES = 8
# Accounts at once in a process, and how long Klaviyo takes for a job.
DEALT, QUEUED = "dealt out beforehand", "the queue's workers"
CONTENDERS = [(DEALT, 4, 0), (QUEUED, 1, 0), (QUEUED, 4, 0), (QUEUED, 1, 10), (QUEUED, 4, 10)]
COLUMNS = ("contender", "accounts a process", "a job takes s", "wall s", "CPU s", "posts", "429s")


def main(ground: Ground) -> None:
    rows = [_measured(ground, *contender) for contender in CONTENDERS]
    title = f"{ACCOUNTS} accounts due at once, {PEOPLE:,} people each, {PROCESSES} processes"
    show(title, COLUMNS, rows)


def _measured(ground: Ground, contender: str, at_once: int, job_seconds: int) -> tuple[object, ...]:
    """From the moment at which all are due until the last run is closed."""
    options = ("--counting", "--accounts", f"{ACCOUNTS}", "--job-seconds", f"{job_seconds}")
    with running_stand_in(*options) as klaviyo, running_azurite() as azurite, running_queues() as queues:
        environment = _laid_out(ground, klaviyo.url, azurite, queues)
        with Services.from_settings(Settings.from_environment(environment)) as services:
            let_all_be_due(services)
            with _Processes(contender, at_once, environment) as processes:
                began = time.monotonic()
                if contender == QUEUED:
                    tick(services, 240)
                processes.go()
                while sum(1 for _ in services.state.list(state.RECENT)) < ACCOUNTS:
                    time.sleep(0.2)
                wall = time.monotonic() - began
            names = (blob.name for blob in services.state.list(state.RUNS) if state.run_of_record(blob.name))
            records = [RunRecord.model_validate_json(services.state.read(name).content) for name in names]
        statuses = Counter(request["status"] for request in klaviyo.requests(POSTS))
    if {(record.status, record.counts.imported) for record in records} != {("successful", PEOPLE)}:
        raise AssertionError("not everybody was imported")
    taken = f"{wall:.1f}", f"{processes.cpu:.1f}"
    return contender, at_once, job_seconds, *taken, statuses.total(), statuses[429]


def _laid_out(ground: Ground, klaviyo_url: str, azurite: Azurite, queues: AzuriteQueues) -> dict[str, str]:
    """An installation in blobs with a queue; the environment of its processes."""
    segments_url, state_url = azurite.container(), azurite.container()
    lay_out(segments_url, PEOPLE)
    environment = ground.environment(segments_url, klaviyo_url, state_url)
    write_documents(state_url, documents_of_accounts(ACCOUNTS))
    write_secrets(Path(environment["SECRETS_FILE"]), keys_of_accounts(ACCOUNTS))
    return environment | {
        "QUEUE_URL": f"{queues.url}/work",
        "AzureWebJobsStorage__queueServiceUri": queues.url,
        "AzureWebJobs.advance_runs.Disabled": "true",
        "EXPORT_SCHEDULE": "0 * * * * *",
    }


class _Processes:
    """Processes that work as soon as they are told to, and what they took; they end with the block."""

    def __init__(self, contender: str, at_once: int, environment: dict[str, str]) -> None:
        self.cpu = 0.0
        self._started = [
            subprocess.Popen(  # noqa: S603 - our own command
                python("worker", str(number), str(PROCESSES), str(at_once), contender),
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(PROCESSES)
        ]

    def __enter__(self) -> Self:
        for process in self._started:
            assert process.stdout is not None  # noqa: S101
            if not process.stdout.readline():
                raise RuntimeError("a worker did not start")
        return self

    def go(self) -> None:
        for process in self._started:
            assert process.stdin is not None  # noqa: S101
            process.stdin.write("go\n")
            process.stdin.flush()

    def __exit__(self, *error: object) -> None:
        for process in self._started:
            process.terminate()
        for process in self._started:
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = 0
            self.cpu += usage.ru_utime + usage.ru_stime
