"""The step after provisioning that makes the digest key, with a stand-in az in front of a small vault.

The answers are Key Vault's, as az prints them:
https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from infra.digest_key import PAUSE, TRIES, main
from tests.support.directory import running_az
from tests.support.templates import ROOT

FORBIDDEN = ("Forbidden", "ForbiddenByRbac")


def an_error(code: str, inner: str = "") -> tuple[int, str, str]:
    more = f"\nInner error: {json.dumps({'code': inner}, indent=4)}" if inner else ""
    return 1, "", f"ERROR: ({code}) made: {code}\nCode: {code}\nMessage: made: {code}{more}"


@dataclass
class Vault:
    """The vault `kv-made`. `refusals` and `set_refusals` come in the place of its next answers, of all and of
    those to a change: a code, and the one inside it."""

    value: str | None = None
    is_disabled: bool = False
    is_deleted: bool = False
    refusals: list[tuple[str, str]] = field(default_factory=list)
    set_refusals: list[tuple[str, str]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    def az(self, arguments: list[str]) -> tuple[int, str, str]:
        options = dict(pairwise(arguments))
        assert arguments[:2] == ["keyvault", "secret"]
        assert (options["--vault-name"], options["--name"]) == ("kv-made", "digest-key")
        self.done.append(arguments[2])
        if self.refusals:
            return an_error(*self.refusals.pop(0))
        if arguments[2] == "set":
            if self.set_refusals:
                return an_error(*self.set_refusals.pop(0))
            if self.is_deleted:
                return an_error("Conflict", "ObjectIsDeletedButRecoverable")
            self.value = options["--value"]
        elif self.is_disabled:
            return an_error("Forbidden", "SecretDisabled")
        elif self.value is None:
            return an_error("SecretNotFound")
        assert options["--query"] == "id"
        return 0, '"https://kv-made.vault.azure.net/secrets/digest-key/1"', ""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    made = Vault()
    with running_az(tmp_path, made.az):
        yield made


def ran() -> tuple[int, float]:
    """Exit code, and seconds waited."""
    waits: list[float] = []
    return main(["kv-made"], waits.append), sum(waits)


def test_it_is_there(vault: Vault) -> None:
    vault.value = "theirs"
    assert ran() == (0, 0)
    assert (vault.value, vault.done) == ("theirs", ["show"])


def test_it_is_made_once(vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    """256 bits, which nothing prints; the next deployment leaves it alone."""
    assert ran() == (0, 0)
    made = vault.value
    assert re.fullmatch(r"[0-9a-f]{64}", made or "")
    assert ran() == (0, 0)
    assert (vault.value, vault.done) == (made, ["show", "set", "show"])
    printed = capsys.readouterr()
    assert printed.out == "digest-key was created in kv-made.\ndigest-key already exists in kv-made.\n"
    assert printed.err == ""


@pytest.mark.parametrize("value", ["theirs", None])
def test_the_role_is_seconds_old(vault: Vault, value: str | None) -> None:
    """A refusal says nothing of whether it is there: it asks again until the role counts."""
    vault.value, vault.refusals = value, [FORBIDDEN] * 3
    assert ran() == (0, 3 * PAUSE)
    assert vault.done == ["show"] * 4 + ([] if value else ["set"])
    assert vault.value if value is None else vault.value == value


def test_the_role_does_not_count_to_set_yet(vault: Vault) -> None:
    """It looks again first."""
    vault.set_refusals = [FORBIDDEN]
    assert ran() == (0, PAUSE)
    assert vault.done == ["show", "set", "show", "set"]


def test_the_role_is_missing(vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    """After five minutes it ends, sets nothing, and says what helps."""
    vault.refusals = [FORBIDDEN] * 100
    assert ran() == (1, TRIES * PAUSE) == (1, 300)
    assert (vault.value, set(vault.done)) == (None, {"show"})
    said = capsys.readouterr().err
    assert said.startswith("digest-key was not checked or created: az failed: ERROR: (Forbidden)")
    assert "Key Vault Secrets Officer on kv-made" in said


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (("TooManyRequests", ""), "azd provision again"),
        (("InternalServerError", ""), "azd provision again"),
        (("VaultNotFound", ""), "azd provision again"),
        (("Forbidden", "ForbiddenByFirewall"), "docs/network.md"),
        (("Forbidden", "ForbiddenByConnection"), "docs/network.md"),
    ],
)
def test_every_other_failure_sets_nothing(
    vault: Vault, capsys: pytest.CaptureFixture[str], refusal: tuple[str, str], says: str
) -> None:
    """At once, also where there is a key that could not be seen."""
    vault.value, vault.refusals = "theirs", [refusal]
    assert ran() == (1, 0)
    assert (vault.value, vault.done) == ("theirs", ["show"])
    assert says in capsys.readouterr().err


def test_it_is_disabled(vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    """A new version would be another key: it is to be enabled."""
    vault.value, vault.is_disabled = "theirs", True
    assert ran() == (1, 0)
    assert (vault.value, vault.done) == ("theirs", ["show"])
    assert capsys.readouterr().err.endswith(
        "az keyvault secret set-attributes --vault-name kv-made --name digest-key --enabled true\n"
    )


def test_it_was_deleted(vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    """The vault keeps its name, and answers as if it had never been there: it is to be recovered."""
    vault.is_deleted = True
    assert ran() == (1, 0)
    assert vault.value is None
    assert capsys.readouterr().err.endswith(
        "az keyvault secret recover --vault-name kv-made --name digest-key\n"
    )


def test_az_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ran() == (1, 0)
    assert "az is not installed" in capsys.readouterr().err


def test_a_vault_without_a_name() -> None:
    with pytest.raises(SystemExit) as refused:
        main([""])
    assert refused.value.code == 2


def test_azd_runs_it(vault: Vault, tmp_path: Path) -> None:
    """After it provisions, with the vault of the deployment; where it fails, the deployment goes on."""
    step = re.search(
        r"    - shell: sh\n      continueOnError: true\n      run: (.*digest.*)\n",
        (ROOT / "azure.yaml").read_text(),
    )
    assert step
    python = tmp_path / "project/.venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / "project/infra").symlink_to(ROOT / "infra")
    environment = os.environ | {"KEY_VAULT_NAME": "kv-made"}
    subprocess.run(["sh", "-c", step[1]], cwd=tmp_path / "project", env=environment, check=True)
    assert vault.done == ["show", "set"]
