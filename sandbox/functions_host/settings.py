"""Reads host.json and local.settings.json."""

import json
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.functions_host.errors import HostError
from shared.errors import InvalidDocument, Problem

_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d\d?):(\d\d):(\d\d(?:\.\d{1,7})?)")
_SETTING = re.compile(r"%([^%]+)%")
_WEEK = 7 * 86_400


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """How queue triggers take messages: host.json's extensions.queues, with Azure's defaults.

    `max_polling_interval` and `visibility_timeout` are in seconds; the latter is the wait after a failure.
    With `base64`, messages are base64 text, otherwise plain text
    (https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#hostjson-settings).
    """

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    max_polling_interval: float = 60.0
    visibility_timeout: int = 0
    base64: bool = True

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "QueueSettings":
        """Raises InvalidDocument for the first value that the real host would refuse."""
        at = "/extensions/queues/"
        batch_size = _whole(document, "batchSize", at, 16, 1, 32)
        longest = _seconds(document.get("maxPollingInterval", "00:01:00"))
        if longest is None or longest < 0.1:
            raise _invalid(
                "host.json", f"{at}maxPollingInterval", "must be [d.]hh:mm:ss, at least 00:00:00.1"
            )
        pause = _seconds(document.get("visibilityTimeout", "00:00:00"))
        if pause is None or pause > _WEEK:
            raise _invalid("host.json", f"{at}visibilityTimeout", "must be [d.]hh:mm:ss, at most 7 days")
        encoding = document.get("messageEncoding", "base64")
        if not isinstance(encoding, str) or encoding.lower() not in ("base64", "none"):
            raise _invalid("host.json", f"{at}messageEncoding", "must be base64 or none")
        return cls(
            batch_size,
            _whole(document, "newBatchThreshold", at, batch_size // 2, 0),
            _whole(document, "maxDequeueCount", at, 5, 1),
            longest,
            int(pause),  # storage takes whole seconds
            encoding.lower() == "base64",
        )


@dataclass(frozen=True, slots=True)
class HostSettings:
    """`route_prefix` has no slash at its ends; `function_timeout` is in seconds, None without a limit.

    Defaults: `api`, and the 30 minutes of a Flex Consumption plan
    (https://learn.microsoft.com/azure/azure-functions/functions-host-json).
    """

    route_prefix: str
    function_timeout: float | None
    queues: QueueSettings = QueueSettings()

    @classmethod
    def read(cls, folder: Path) -> "HostSettings":
        """Raises HostError if the folder has no host.json, InvalidDocument if it is not valid."""
        document = _read_object(folder / "host.json")
        if document is None:
            raise HostError(f"{folder} has no host.json, so it is not a function app's folder.")
        extensions = _part(document, "extensions", "")
        http = _part(extensions, "http", "/extensions")
        prefix = http.get("routePrefix", "api")
        if not isinstance(prefix, str):
            raise _invalid("host.json", "/extensions/http/routePrefix", "must be a text")
        timeout = document.get("functionTimeout", "00:30:00")
        seconds = _seconds(timeout)
        if seconds is None and timeout != "-1":
            raise _invalid("host.json", "/functionTimeout", "must be [d.]hh:mm:ss, or -1 for no limit")
        queues = QueueSettings.of(_part(extensions, "queues", "/extensions"))
        return cls(prefix.strip("/"), seconds, queues)


def load_local_settings(folder: Path, environment: MutableMapping[str, str]) -> None:
    """Copies the `Values` of local.settings.json, if it exists, to the environment.

    A name that is already set keeps its value. Raises InvalidDocument, which contains no values.
    """
    name = "local.settings.json"
    document = _read_object(folder / name) or {}
    if document.get("IsEncrypted"):
        raise _invalid(name, "/IsEncrypted", "must be false: only the Core Tools can decrypt it")
    values = _part(document, "Values", "", name)
    problems = [
        Problem(f"/Values/{key}", "must be a text")
        for key, value in values.items()
        if not isinstance(value, str)
    ]
    if problems:
        raise InvalidDocument(name, problems)
    for key, value in values.items():
        environment.setdefault(key, value)


def resolved(text: str, environment: Mapping[str, str]) -> str:
    """Replaces each `%NAME%` with that setting. Raises KeyError with the name of a missing setting."""
    return _SETTING.sub(lambda setting: environment[setting[1]], text)


def is_disabled(function: str, environment: Mapping[str, str]) -> bool:
    """Whether the setting AzureWebJobs.<function>.Disabled is true or 1.

    Source: https://learn.microsoft.com/azure/azure-functions/disable-function
    """
    return environment.get(f"AzureWebJobs.{function}.Disabled", "").lower() in ("true", "1")


def _read_object(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise _invalid(path.name, "", f"is not JSON, see line {error.lineno}") from None
    except UnicodeDecodeError:
        raise _invalid(path.name, "", "is not UTF-8") from None
    if not isinstance(document, dict):
        raise _invalid(path.name, "", "must be an object")
    return document


def _part(document: Mapping[str, Any], key: str, pointer: str, name: str = "host.json") -> dict[str, Any]:
    part = document.get(key, {})
    if not isinstance(part, dict):
        raise _invalid(name, f"{pointer}/{key}", "must be an object")
    return part


def _whole(
    document: Mapping[str, Any], key: str, at: str, default: int, least: int, most: int | None = None
) -> int:
    value = document.get(key, default)
    if type(value) is int and value >= least and (most is None or value <= most):
        return value
    bounds = f"at least {least}" if most is None else f"from {least} to {most}"
    raise _invalid("host.json", f"{at}{key}", f"must be a whole number, {bounds}")


def _seconds(timespan: object) -> float | None:
    """The seconds of a .NET TimeSpan, [d.]hh:mm:ss with an optional fraction; None if it is not one."""
    match = _TIMESPAN.fullmatch(timespan) if isinstance(timespan, str) else None
    if match is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _invalid(name: str, pointer: str, message: str) -> InvalidDocument:
    return InvalidDocument(name, [Problem(pointer, message)])
