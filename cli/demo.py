"""`demo`: the whole way, from a made segment to a list, on this machine alone."""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import click

from cli.live import WatchedClock
from cli.output import say
from cli.runs import conduct
from shared.adapters.storage import open_store
from shared.runs.services import Services
from shared.settings import Settings

FOLDER = Path("data/demo")
PEOPLE = 25_000


@click.command()
def demo() -> int:
    """Export a made segment of 25,000 people to a stand-in Klaviyo, and show what became of it.

    Example: segment-export demo
    """
    from sandbox.klaviyo import StandIn, app
    from sandbox.serving import serving

    stand_in = StandIn(job_seconds=1)
    with serving(app(stand_in)) as url:
        shutil.rmtree(FOLDER, ignore_errors=True)
        settings = Settings(
            segments_url=f"file:{FOLDER}/segments",
            state_url=f"file:{FOLDER}/state",
            secrets_file=FOLDER / "secrets.json",
            klaviyo_url=url,
        )
        say(f"A segment of {PEOPLE:,} made people is laid out under {FOLDER}/segments.")
        lay_out(settings)
        say(f"A stand-in Klaviyo answers at {url}.")
        with Services.from_settings(settings, WatchedClock()) as services:
            code = conduct(services, "vip", None, as_json=False)
        say(f"The list Y6nRLr now has {len(stand_in.members('Y6nRLr')):,} members.")
        say(f"The record and the refused rows: {FOLDER}/state/runs/vip/")
        return code


def lay_out(settings: Settings) -> None:
    """Writes the made segment, a connection and an export for it, and the stand-in's key."""
    from sandbox.people import People
    from sandbox.sample import example_documents, write_segment

    segments, state = open_store(settings.segments_url), open_store(settings.state_url)
    write_segment(segments, "HighValueSegment", People(PEOPLE, dirt=True), refreshed=datetime.now(UTC))
    for name, document in example_documents().items():
        state.write(name, json.dumps(document, indent=1).encode())
    descriptor = os.open(settings.secrets_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"klaviyo-sandbox": "pk_sandbox"}, file)
