"""README.md is true: its commands run, its output matches, its documents are valid."""

import argparse
import csv
import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from sandbox.people import COLUMNS, People
from tests.docs.documents import check
from tests.docs.pages import ROOT, blocks, page, section

README = page("README.md")
# What differs from run to run: ids of runs, times, ports.
VOLATILE = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}|\d{4}/\d\d/\d\d/\d{4}|127\.0\.0\.1:\d+")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed command at the place that README names."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


@pytest.fixture(scope="module")
def demo(folder: Path) -> str:
    """The output of `make demo`'s command."""
    make = ["make", "--no-print-directory", "--dry-run", "--assume-old=.venv/installed", "demo"]
    planned = subprocess.run(make, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    command = shlex.split(planned.stdout.splitlines()[-1])
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout


def test_the_demo_prints_what_stands_there(demo: str) -> None:
    """The output on the first screen is the demo's own."""
    first, _, output = blocks(README, "console")[0].partition("\n")
    assert first == "$ make demo"
    assert stable(demo) == stable(output)


@pytest.mark.parametrize("text", blocks(README, "json"))
def test_the_documents_are_valid(text: str) -> None:
    """The app accepts a copied example."""
    check(text)


def test_it_can_be_tried_by_hand(folder: Path, demo: str) -> None:
    """The three terminals, on other ports: a Klaviyo, the functions, and a caller."""
    scripts = "\0".join(blocks(section(README, "## Try it by hand"), "sh"))
    for port in ("8080", "7071"):
        scripts = scripts.replace(port, str(free_port()))
    klaviyo, functions, caller = scripts.split("\0")
    with terminal(klaviyo, folder), terminal(functions, folder):
        run, state = map(curl, caller.splitlines())
    assert run.status_code == 200, run.text
    (account,) = state.json()["accounts"]
    assert run.json()["counts"]["imported"] == account["profiles"] > 4_000


def stable(output: str) -> list[str]:
    """Its lines, without what differs from run to run and the spaces that fill a table's line."""
    return [line.rstrip() for line in VOLATILE.sub("…", output).splitlines()]


def test_a_file_can_be_tried(folder: Path) -> None:
    """A stranger's file gives the output in the page."""
    with (folder / "people.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *People(200, dirt=True)])
    (shown,) = blocks(section(README, "## Your own file"), "console")
    first, _, output = shown.partition("\n")
    command = shlex.split(first.removeprefix("$ "))
    tried = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    assert stable(tried.stdout) == stable(output)


@contextmanager
def terminal(script: str, folder: Path) -> Iterator[None]:
    """Runs a block that serves, until Ctrl-C."""
    bash = ["bash", "-c", script]
    with subprocess.Popen(bash, cwd=folder, start_new_session=True, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        try:
            assert any(b"http://127.0.0.1" in line for line in shell.stdout), "it ended"
            yield
        finally:
            os.killpg(shell.pid, signal.SIGINT)
            shell.stdout.read()


def curl(line: str) -> httpx.Response:
    """Does what curl would, without curl: a request with a method, headers and a body."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-X", dest="method", default="GET")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="body")
    parser.add_argument("url")
    name, *words = shlex.split(line)
    assert name == "curl"
    asked = parser.parse_args(words)
    headers = dict(header.split(": ", 1) for header in asked.headers)
    return httpx.request(asked.method, asked.url, headers=headers, content=asked.body, timeout=60)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
