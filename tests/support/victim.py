"""Calls a Klaviyo that means no good, and tells what it cost."""

import resource
import sys
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

import orjson

from shared.adapters.clock import Deadline, SystemClock
from shared.errors import ExportError
from shared.klaviyo import ImportBody, KlaviyoApi, Permit
from shared.klaviyo.retry import PATIENCE
from tests.support.forks import set_environment

type Cost = dict[str, Any]

SECONDS = 0.5
PROFILE = orjson.dumps({"type": "profile", "attributes": {"email": "a@example.org", "title": "x" * 900}})


def suffer(url: str, environment: Mapping[str, str], answer: "Connection[Cost, Any]") -> None:
    """For `forked`: codes of the errors, seconds of all calls, megabytes beyond those of a first one."""
    set_environment(environment)
    clock = SystemClock()
    api = KlaviyoApi(url, clock, patience=(SECONDS, PATIENCE[1]))
    klaviyo = api.sign_in("pk_made", Deadline(clock, 60))
    body = ImportBody([PROFILE] * 4_500, "Y6nRLr")
    began, memory = clock.monotonic(), _megabytes()
    codes = []
    for call in (
        lambda deadline: klaviyo.read_list("Y6nRLr", deadline),
        lambda deadline: klaviyo.import_profiles(body, deadline, Permit()),
        lambda deadline: list(klaviyo.jobs(deadline)),
    ):
        try:
            call(Deadline(clock, SECONDS))
            codes.append("none")
        except ExportError as error:
            codes.append(error.code)
    answer.send({"codes": codes, "seconds": time.monotonic() - began, "megabytes": _megabytes() - memory})


def _megabytes() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
