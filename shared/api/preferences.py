"""The Prefer header, RFC 7240: how long a caller waits, and how it wants to be told."""

import re
from dataclasses import dataclass

# The load balancer before the functions gives up after 230 s.
LONGEST_WAIT = 200.0

_PREFERENCE = re.compile(r"""\s*([A-Za-z-]+)\s*(?:=\s*"?([^",;]*)"?)?\s*(?:;[^,]*)?""")


@dataclass(frozen=True, slots=True)
class Preferences:
    """`wait` in seconds (None: as the settings say); `applied` lists what was understood."""

    wait: float | None = None
    strict: bool = False
    applied: tuple[str, ...] = ()

    @classmethod
    def of(cls, header: str) -> "Preferences":
        """Reads a Prefer header; what it doesn't know it ignores, as the RFC asks."""
        wait: float | None = None
        strict = False
        applied = []
        for part in header.split(","):
            match = _PREFERENCE.fullmatch(part)
            name, value = (match[1].lower(), (match[2] or "").strip()) if match else ("", "")
            if name == "respond-async" and wait is None:
                wait = 0.0
            elif name == "wait" and re.fullmatch(r"\d{1,6}", value, re.ASCII):
                wait = min(float(value), LONGEST_WAIT)
                value = f"{wait:.0f}"
            elif name == "handling" and value == "strict":
                strict = True
            else:
                continue
            applied.append(f"{name}={value}" if value else name)
        return cls(wait, strict, tuple(applied))
