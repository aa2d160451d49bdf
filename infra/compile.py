"""`make templates`: compiles infra/ with the Bicep CLI, and writes a snapshot of each choice of parameters.

Writes main.json, a snapshot beside each of snapshots/*.bicepparam, and main.sha256 with the digests of all of
them and of their sources, so that a test without a compiler can compare them.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

INFRA = Path(__file__).parent
# Where the snapshots pretend to deploy to.
PLACE = (
    *("--subscription-id", "00000000-0000-0000-0000-000000000001"),
    *("--resource-group", "my-group"),
    *("--location", "westeurope"),
)


def bicep() -> str | None:
    """The CLI that BICEP names, or the one on the PATH."""
    return os.environ.get("BICEP") or shutil.which("bicep")


def run(command: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs the CLI; warnings are in stderr."""
    cli = bicep()
    if cli is None:
        sys.exit("The Bicep CLI was not found. Install it, or set BICEP to its path.")
    return subprocess.run([cli, command, *arguments], cwd=INFRA, capture_output=True, text=True, check=False)  # noqa: S603


def snapshot(parameters: Path, mode: str) -> subprocess.CompletedProcess[str]:
    """Writes (overwrite) or compares (validate) what would be deployed with these parameters.

    The CLI does not evaluate expressions that depend on a secure parameter, not even conditions. The values
    here are made up, so it gets a copy in which no parameter is secure.
    """
    kept = parameters.with_suffix(".snapshot.json")
    with TemporaryDirectory() as folder:
        for file in INFRA.glob("*.*"):
            Path(folder, file.name).write_text(file.read_text().replace("@secure()\n", ""))
        copy = Path(folder, "snapshots", parameters.name)
        copy.parent.mkdir()
        copy.write_text(
            re.sub("^using .*", "using '../main.bicep'", parameters.read_text(), flags=re.MULTILINE)
        )
        made = copy.with_suffix(".snapshot.json")
        if kept.exists():
            shutil.copy(kept, made)
        result = run("snapshot", copy, "--mode", mode, *PLACE)
        if result.returncode == 0:
            shutil.copy(made, kept)
    return result


def put_in_order(file: Path) -> None:
    """Sorts a snapshot's outputs: the CLI writes them in a different order each time."""
    content = json.loads(file.read_text())
    content["outputs"] = dict(sorted(content["outputs"].items()))
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def digests() -> str:
    """The digests of the sources and the compiled files, in the format of sha256sum."""
    files = [*INFRA.glob("*.bicep"), *INFRA.glob("*.json"), *INFRA.glob("snapshots/*")]
    return "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(INFRA)}\n"
        for file in sorted(files)
        if file.name != "main.parameters.json"
    )


def main() -> None:
    """Compiles, and stops at the first error or warning."""
    results = [run("build", "main.bicep", "--outfile", "main.json")]
    results += [snapshot(file, "overwrite") for file in sorted(INFRA.glob("snapshots/*.bicepparam"))]
    for result in results:
        if result.returncode or result.stderr:
            sys.exit(result.stderr)
    for file in INFRA.glob("snapshots/*.json"):
        put_in_order(file)
    (INFRA / "main.sha256").write_text(digests())


if __name__ == "__main__":
    main()
