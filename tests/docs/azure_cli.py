"""The `az` commands of the pages, and Azure's own parser of them, which executes none."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.docs.pages import blocks

PARSER = Path(__file__).parent / "az_parser.py"
_SUBSTITUTION = re.compile(r"\$\(([^()]*)\)")
_PLACEHOLDER = re.compile(r"<[a-z][^<>]*>")
_CODE = re.compile(r"`(az [^`]+)`")
_COMMENT = re.compile(r"(?<!\S)#.*$", re.MULTILINE)
_BETWEEN = re.compile(r"[|&;()]+")
# What stands for arguments that a command needs and that are left out.
REST = ("...", "…")


def az() -> str | None:
    """The CLI that AZ names, or the one on the PATH."""
    return os.environ.get("AZ") or shutil.which("az")


def commands(text: str) -> Iterator[list[str]]:
    """The arguments of each `az` in a page, without `az`: in blocks of azurecli, and in code within a line.

    What stands within a line may leave out what a command needs; the last of its arguments is REST then.
    """
    for block in blocks(text, "azurecli"):
        yield from _in_shell(block)
    for code in _CODE.findall(text):
        for words in _in_shell(code):
            yield words if words[-1] in REST else [*words, REST[0]]


def _in_shell(script: str) -> Iterator[list[str]]:
    """Innermost substitutions first; each one's value is some word."""
    script = _PLACEHOLDER.sub("placeholder", _COMMENT.sub("", script).replace("\\\n", " "))
    while found := _SUBSTITUTION.search(script):
        yield from _in_shell(found[1])
        script = f"{script[: found.start()]}value{script[found.end() :]}"
    lexer = shlex.shlex(script.replace("\n", ";\n"), posix=True, punctuation_chars="|&;()")
    lexer.commenters = ""
    lexer.whitespace_split = True
    command: list[str] = []
    for word in [*lexer, ";"]:
        if not _BETWEEN.fullmatch(word):
            command.append(word)
            continue
        if command[:1] == ["do"]:
            command.pop(0)
        if command[:1] == ["az"]:
            yield command[1:]
        command = []


def refused(commands: Iterable[Sequence[str]], folder: Path) -> list[str]:
    """What az says about the commands that its parser does not accept, each after the command.

    `folder` is where az keeps its settings. Nothing is executed and nobody is signed in.
    """
    cli = az()
    assert cli is not None
    environment = os.environ | {
        "AZURE_CONFIG_DIR": str(folder),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        "PYTHONWARNINGS": "ignore",
    }
    version = subprocess.check_output([cli, "--version"], env=environment, text=True)
    python = re.search(r"^Python location '(.+)'$", version, re.MULTILINE)
    assert python, version
    given = [list(command) for command in commands]
    answer = subprocess.run(
        [python[1], "-I", PARSER], input=json.dumps(given), env=environment, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    errors = json.loads(answer.stdout)
    pairs = zip(given, errors, strict=True)
    return [f"az {shlex.join(command)}: {error}" for command, error in pairs if error]
