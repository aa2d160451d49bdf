"""The little of Logic Apps' workflow language that the card uses, run by Python.

Its expressions: https://learn.microsoft.com/azure/logic-apps/workflow-definition-language-functions-reference
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

# A call, a text, or the step into a value that may be missing; what is anything else is a mistake of ours.
_TOKEN = re.compile(r"(?P<call>\w+)\(|'(?P<text>[^']*)'|(?P<step>\?\[)|(?P<number>\d+)|(?P<rest>[\]),])|\s+")


def evaluate(value: Any, functions: Mapping[str, Callable[..., Any]]) -> Any:
    """A part of a definition with its expressions worked out: `@call` alone, and `@{call}` within a text."""
    if isinstance(value, dict):
        return {name: evaluate(each, functions) for name, each in value.items()}
    if isinstance(value, list):
        return [evaluate(each, functions) for each in value]
    if not isinstance(value, str):
        return value
    if value.startswith("@") and not value.startswith("@{"):
        return _result(value[1:], functions)
    return re.sub(r"@\{(.*?)\}", lambda found: _text(_result(found[1], functions)), value)


def _text(result: Any) -> str:
    return "" if result is None else str(result)


def _result(expression: str, functions: Mapping[str, Callable[..., Any]]) -> Any:
    tokens = [found for found in _TOKEN.finditer(expression) if found.lastgroup]
    assert "".join(found[0] for found in tokens).replace(" ", "") == expression.replace(" ", ""), expression
    tokens.reverse()
    result = _value(tokens, BUILT_IN | dict(functions))
    assert not tokens, expression
    return result


def _value(tokens: list[re.Match[str]], functions: Mapping[str, Callable[..., Any]]) -> Any:
    token = tokens.pop()
    if token["text"] is not None:
        value: Any = token["text"]
    elif token["number"]:
        value = int(token["number"])
    else:
        arguments = []
        while tokens[-1]["rest"] != ")":
            arguments.append(_value(tokens, functions))
            if tokens[-1]["rest"] == ",":
                tokens.pop()
        tokens.pop()
        value = functions[token["call"]](*arguments)
    while tokens and tokens[-1]["step"]:
        tokens.pop()
        key = _value(tokens, functions)
        assert tokens.pop()["rest"] == "]"
        value = _step(value, key)
    return value


def _step(value: Any, key: str | int) -> Any:
    if isinstance(key, int):
        return value[key] if isinstance(value, list) and key < len(value) else None
    return value.get(key) if isinstance(value, dict) else None


BUILT_IN: dict[str, Callable[..., Any]] = {
    "coalesce": lambda *values: next((each for each in values if each is not None), None),
    "equals": lambda one, other: one == other,
    "if": lambda condition, yes, no: yes if condition else no,
    "json": json.loads,
}
