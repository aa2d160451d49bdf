"""python -m tests.mutants [-j JOBS] [PATH ...]"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import click

from tests.mutants import MUTANTS
from tests.mutants.mutant import Mutant, passes

ROOT = Path(__file__).parents[2]
# What git ignores and tests need.
INSTALLED = (".venv-checkov", "tests/azurite/node_modules", "tests/kusto/node_modules")

type InATree = Callable[[Path], bool]


@click.command()
@click.option("-j", "--jobs", default=2, show_default=True, help="How many to try at once.")
@click.argument("paths", nargs=-1)
def main(jobs: int, paths: tuple[str, ...]) -> None:
    """Try the mutants of all files, or of those below the paths, and list what no test noticed."""
    chosen = [mutant for mutant in MUTANTS if not paths or mutant.path.startswith(paths)]
    survivors = 0
    for mutant in survivors_of(ROOT, chosen, jobs):
        survivors += 1
        click.echo(f"survived  {mutant}")
    click.echo(f"{len(chosen)} mutants, {survivors} survived.")
    if survivors:
        raise SystemExit(1)


def survivors_of(root: Path, mutants: Sequence[Mutant], jobs: int) -> Iterator[Mutant]:
    """The mutants whose tests pass, each as it is found; `root` itself is never touched.

    Raises ClickException where a mutant is stale, or its tests fail without it.
    """
    if stale := [mutant for mutant in mutants if mutant.is_stale(root)]:
        raise click.ClickException("Stale: " + "\n".join(map(str, stale)))
    tests = sorted({mutant.tests for mutant in mutants})
    with _copies(root, jobs) as in_each:
        passed = in_each([partial(passes, tests=path) for path in tests])
        if failing := [path for path, passes_ in zip(tests, passed, strict=True) if not passes_]:
            raise click.ClickException(f"These fail without a mutant: {', '.join(failing)}")
        survived = in_each([mutant.survives for mutant in mutants])
        yield from (mutant for mutant, survives in zip(mutants, survived, strict=True) if survives)


@contextmanager
def _copies(root: Path, number: int) -> Iterator[Callable[[Sequence[InATree]], Iterator[bool]]]:
    """Yields what runs tasks side by side, each in a copy of the tree that is its own meanwhile."""
    free: SimpleQueue[Path] = SimpleQueue()

    def in_a_copy(task: InATree) -> bool:
        copy = free.get()
        try:
            return task(copy)
        finally:
            free.put(copy)

    with (
        tempfile.TemporaryDirectory(prefix="mutants-") as folder,
        ThreadPoolExecutor(max_workers=number) as pool,
    ):
        for index in range(number):
            copy = Path(folder) / str(index)
            _copy(root, copy)
            free.put(copy)
        yield lambda tasks: pool.map(in_a_copy, tasks)


def _copy(root: Path, copy: Path) -> None:
    """Copies what git tracks, or would; links what is installed."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=root, text=True).splitlines():
        if (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, copy / name)
    for name in INSTALLED:
        if (root / name).is_dir():
            (copy / name).symlink_to(root / name)


if __name__ == "__main__":
    main()
