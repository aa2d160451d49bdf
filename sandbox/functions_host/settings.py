"""Reads host.json and local.settings.json."""

import json
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.functions_host.errors import HostError
from shared.errors import InvalidDocument, Problem

_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d\d?):(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class HostSettings:
    """`route_prefix` has no slash at its ends; `function_timeout` is in seconds, None where unbounded.

    Defaults: `api`, and the 30 minutes of a Flex Consumption plan
    (https://learn.microsoft.com/azure/azure-functions/functions-host-json).
    """

    route_prefix: str
    function_timeout: float | None

    @classmethod
    def read(cls, folder: Path) -> "HostSettings":
        """Raises HostError where the folder has no host.json, InvalidDocument where it can't be used."""
        document = _read_object(folder / "host.json")
        if document is None:
            raise HostError(f"{folder} has no host.json, so it is not a function app's folder.")
        http = _part(_part(document, "extensions", ""), "http", "/extensions")
        prefix = http.get("routePrefix", "api")
        if not isinstance(prefix, str):
            raise _invalid("host.json", "/extensions/http/routePrefix", "must be a text")
        return cls(prefix.strip("/"), _seconds(document.get("functionTimeout", "00:30:00")))


def load_local_settings(folder: Path, environment: MutableMapping[str, str]) -> None:
    """Takes the `Values` of local.settings.json, if there is one, over into the environment.

    A name that the environment has already keeps its value. Raises InvalidDocument, without any value.
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


def _seconds(timespan: object) -> float | None:
    if timespan == "-1":
        return None
    match = _TIMESPAN.fullmatch(timespan) if isinstance(timespan, str) else None
    if match is None:
        raise _invalid("host.json", "/functionTimeout", "must be [d.]hh:mm:ss, or -1 for no limit")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24.0 + hours) * 60 + minutes) * 60 + seconds


def _invalid(name: str, pointer: str, message: str) -> InvalidDocument:
    return InvalidDocument(name, [Problem(pointer, message)])
