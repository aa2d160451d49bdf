"""Long histories: records of closed runs, written straight into a store."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

from azure.storage.blob import ContainerClient

from shared import state
from shared.runs.record import RunRecord


def run_ids(times: Iterable[datetime], export_id: str = "vip") -> list[str]:
    """Ids of runs that were opened at these times, in order; two of one second differ by their number."""
    return sorted(state.new_run_id(export_id, time, number) for number, time in enumerate(times))


def every(pause: timedelta, count: int, until: datetime) -> Iterator[datetime]:
    """So many times, this far apart, the last of them being `until`."""
    return (until - pause * number for number in range(count))


def record_of(run_id: str) -> bytes:
    """The record of a successful run."""
    opened = state.opened_at(run_id)
    return RunRecord(
        id=run_id,
        export=run_id.partition(".")[0],
        trigger="schedule",
        requested_by="timer",
        status="successful",
        phase="closed",
        created_at=opened,
        started_at=opened,
        finished_at=opened,
    ).content()


def write_to_folder(folder: Path, ids: Iterable[str]) -> None:
    """Without the store, which would sync each file to the disk."""
    for run_id in ids:
        path = folder / state.record(run_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(record_of(run_id))


def write_to_container(container: ContainerClient, ids: Iterable[str]) -> None:
    """Side by side."""

    def write(run_id: str) -> None:
        container.upload_blob(state.record(run_id), record_of(run_id))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, ids))
