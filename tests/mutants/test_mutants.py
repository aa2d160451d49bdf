"""The list of mutants is true, and trying them tells which ones no test noticed."""

import subprocess
from pathlib import Path

import click
import pytest

from tests.mutants import MUTANTS
from tests.mutants.__main__ import ROOT, survivors_of
from tests.mutants.mutant import Mutant

CODE = "def double(number):\n    return 2 * number\n"
TEST = "from code_ import double\ndef test_double():\n    assert double(2) == 4\n"
NOTICED = Mutant("code_.py", "2 *", "3 *", "test_code.py")
UNNOTICED = Mutant("code_.py", "2 * number", "number * number", "test_code.py")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.path}-{mutant.old[:30]}")
def test_a_mutant_can_be_applied(mutant: Mutant) -> None:
    """Its old text occurs once in its file, the new one is another, and its tests are there."""
    assert not mutant.is_stale(ROOT)
    assert mutant.old != mutant.new
    assert (ROOT / mutant.tests.partition("::")[0]).exists()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project whose test overlooks something."""
    (tmp_path / "code_.py").write_text(CODE)
    (tmp_path / "test_code.py").write_text(TEST)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    return tmp_path


def test_what_no_test_notices_survives(project: Path) -> None:
    """The mutant that a test fails for is not told; the tree stays as it is."""
    assert list(survivors_of(project, [NOTICED, UNNOTICED, NOTICED], 2)) == [UNNOTICED]
    assert (project / "code_.py").read_text() == CODE


@pytest.mark.parametrize("path", ["code_.py", "gone.py"])
def test_a_mutant_that_no_longer_fits_is_an_error(project: Path, path: str) -> None:
    """Code that was changed, or is gone, must not pass for code that is tested."""
    with pytest.raises(click.ClickException, match="Stale"):
        list(survivors_of(project, [Mutant(path, "4 *", "3 *", "test_code.py")], 1))


def test_tests_that_fail_anyway_notice_nothing(project: Path) -> None:
    """Where they fail without a mutant, no mutant is tried."""
    (project / "test_code.py").write_text(TEST.replace("4", "5"))
    with pytest.raises(click.ClickException, match=r"fail without a mutant: test_code\.py"):
        list(survivors_of(project, [NOTICED], 1))
