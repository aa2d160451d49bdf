"""The Prefer header (RFC 7240): how long a caller waits, and how strict the answer is to be."""

import re
from dataclasses import dataclass

# The load balancer in front of the functions gives up after 230 s.
LONGEST_WAIT = 200


@dataclass(frozen=True, slots=True)
class Preferences:
    """`wait` in seconds (None: as in the settings; 0: answer at once); `applied` is the reply's header."""

    wait: int | None = None
    strict: bool = False
    applied: str = ""

    @classmethod
    def of(cls, header: str, *, waits: bool = False) -> "Preferences":
        """Reads a Prefer header: the first preference of each name counts; unknown ones are ignored.

        Callers can set the time only if the route `waits`.
        """
        given: dict[str, str] = {}
        for preference in header.split(","):
            name, _, value = preference.partition(";")[0].partition("=")
            given.setdefault(name.strip().lower(), value.strip().strip('"'))
        wait, applied = None, []
        if waits and "respond-async" in given:
            wait = 0
            applied.append("respond-async")
        if waits and re.fullmatch("[0-9]{1,9}", given.get("wait", "")):
            wait = min(int(given["wait"]), LONGEST_WAIT)
            applied.append(f"wait={wait}")
        strict = given.get("handling") == "strict"
        if strict:
            applied.append("handling=strict")
        return cls(wait, strict, ", ".join(applied))
