"""Route templates of HTTP triggers, as far as functions use them.

A segment is a text or one parameter: `{name}`, `{name:int}`, `{name?}` (optional), `{*name}` (the rest of the
path). Texts match case-insensitively, and a trailing slash is ignored. If several templates match, the most
specific one wins (https://learn.microsoft.com/aspnet/core/fundamentals/routing).
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.functions_host.engine import Function
from sandbox.functions_host.errors import HostError

_CONSTRAINTS = {"int": "-?[0-9]+", "alpha": "[a-z]+", "guid": "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"}
_LENGTH = re.compile(r"maxlength\((\d{1,4})\)")
_PARAMETER = re.compile(r"\{(\*?)([A-Za-z_]\w*)(?::(\w+(?:\(\d+\))?))?(\??)\}")
_ENCODED_SLASH = re.compile(rb"%(2f)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Route:
    """The route of an HTTP function: `methods` in upper case, empty if it accepts any."""

    function: Function
    template: str
    methods: frozenset[str]
    needs_key: bool
    pattern: re.Pattern[str]
    precedence: tuple[int, ...]

    @classmethod
    def of(cls, function: Function, prefix: str) -> "Route":
        """A function's route under host.json's prefix. Raises HostError for an unsupported template."""
        binding = function.trigger
        template = "/".join(filter(None, (prefix, binding.get("route") or function.name)))
        methods = frozenset(method.upper() for method in binding.get("methods") or ())
        return cls(
            function,
            template,
            methods | {"HEAD"} if "GET" in methods else methods,
            str(binding.get("authLevel", "function")).lower() != "anonymous",
            _compile(template, function.name),
            tuple(map(_precedence, template.strip("/").split("/"))),
        )

    def allows(self, method: str) -> bool:
        """Whether the function accepts the method; GET includes HEAD, as on the real host."""
        return not self.methods or method in self.methods

    def match(self, path: str) -> dict[str, str] | None:
        """The route's parameters, without missing ones, or None if the path is not this route's."""
        match = self.pattern.fullmatch(path)
        return None if match is None else {name: value for name, value in match.groupdict().items() if value}


def decoded(raw_path: bytes) -> str:
    """Decodes a path except its encoded slashes, which belong to a segment and stay `%2F`."""
    return unquote(_ENCODED_SLASH.sub(rb"%25\1", raw_path).decode("ascii"))


def _compile(template: str, function: str) -> re.Pattern[str]:
    try:
        return re.compile("".join(map(_segment, template.strip("/").split("/"))) + "/?", re.IGNORECASE)
    except (ValueError, re.error):
        raise HostError(
            f"The function {function} has a route that this host does not support: {template}"
        ) from None


def _segment(segment: str) -> str:
    parameter = _PARAMETER.fullmatch(segment)
    if parameter is None:
        if "{" in segment or "}" in segment:
            raise ValueError
        return "/" + re.escape(segment)
    catch_all, name, constraint, optional = parameter.groups()
    value = ".*" if catch_all else "[^/]+"
    if constraint:
        value = _constrained(constraint)
    return f"(?:/(?P<{name}>{value}))" + ("?" if catch_all or optional else "")


def _constrained(constraint: str) -> str:
    if (length := _LENGTH.fullmatch(constraint)) is not None:
        return f"[^/]{{0,{length[1]}}}"
    if constraint not in _CONSTRAINTS:
        raise ValueError
    return _CONSTRAINTS[constraint]


def _precedence(segment: str) -> int:
    """How specific a segment is, most specific first: a text, a parameter with a constraint, one without, the
    rest of the path."""
    parameter = _PARAMETER.fullmatch(segment)
    if parameter is None:
        return 0
    catch_all, _, constraint, _ = parameter.groups()
    return 3 if catch_all else 1 if constraint else 2
