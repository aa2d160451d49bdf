"""`demo --stay`: an app to look at, over a week of runs."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import Command
from tests.support.host import COMMAND

# Settings of whoever types the command, with which the demo would reach for something outside.
THEIRS = {
    "AUTH": "key",
    "KEY_VAULT_URL": "https://kv.vault.azure.net",
    "NOTIFY_SECRET": "webhook",
    "QUEUE_URL": "https://example.queue.core.windows.net/work",
    "STATE_URL": "file:elsewhere",
}


@contextmanager
def staying(folder: Path) -> Iterator[httpx.Client]:
    """A client of the demo's app; Ctrl-C at the end of the block ends the demo cleanly."""
    with subprocess.Popen(
        [str(COMMAND), "demo", "--stay"],
        cwd=folder,
        env=os.environ | THEIRS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            url = next((line.split()[1] for line in process.stdout if line.startswith("Open ")), "")
            assert url, "it ended"
            with httpx.Client(base_url=url, timeout=60) as client:
                yield client
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=30)
        except BaseException:
            process.kill()
            raise
    assert (process.returncode, output) == (0, "")
    assert "Traceback" not in errors


def get(client: httpx.Client, path: str) -> Any:
    return client.get(path).raise_for_status().json()


def finished(run: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(run["finished_at"])


@pytest.mark.long
def test_it_shows_a_week_of_two_exports(tmp_path: Path) -> None:
    """An administrator finds an export whose removals are held, one that failed, and days of runs before.
    Klaviyo is still there: what is held can be confirmed."""
    with staying(tmp_path) as client:
        assert "Newsletter" in client.get("/").raise_for_status().text
        assert get(client, "/api/me")["role"] == "administrator"
        newsletter, vip = get(client, "/api/exports")["exports"]
        runs = get(client, "/api/runs?limit=100")["runs"]
        lists = get(client, "/api/connections/sandbox/lists")["lists"]
        audit = get(client, "/api/audit")["audit"]
        held, *before = [run for run in runs if run["export"] == "vip"]
        confirmed = client.post(
            "/api/exports/vip/runs", json={"confirm_removals": held["warnings"][0]["count"]}
        )

    assert (newsletter["id"], newsletter["status"], newsletter["state"]) == (
        "newsletter",
        "failed",
        "inactive",
    )
    assert (vip["id"], vip["last_run"]["id"], vip["state"]) == ("vip", held["id"], "active")
    assert [warning["code"] for warning in held["warnings"]] == ["removals_held"]
    failed, *sent = [run for run in runs if run["export"] == "newsletter"]
    assert failed["error"]["code"] == "unknown_list"
    assert {run["status"] for run in sent} == {"successful", "completed_with_warnings"}
    assert [listed["id"] for listed in lists] == ["Y6nRLr"]
    assert {"connections.add", "exports.add", "exports.change"} <= {entry["action"] for entry in audit}
    days = {finished(run).date() for run in before}
    assert len(days) == len(before) == 6
    assert timedelta() < datetime.now(UTC) - finished(runs[0]) < timedelta(days=1)
    assert runs == sorted(runs, key=finished, reverse=True)
    assert confirmed.json()["counts"]["removed"] > 19_000


def test_the_port_is_that_of_the_app(command: Command) -> None:
    result = command("demo", "--port", "8080")

    assert result.exit_code == 2
    assert "--port needs --stay" in result.output
