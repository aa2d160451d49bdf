"""az accepts the pages' `az` commands: its own parser checks them, if az is installed, and executes
nothing."""

from pathlib import Path

import pytest

from tests.docs.azure_cli import az, commands, refused
from tests.docs.pages import ROOT, page

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), ROOT / "infra/README.md"]
SAMPLE = """
Then `az login`, and perhaps `az functionapp keys set --key-name second …`:

```azurecli
# az of a comment
for queue in work work-poison; do
  az role assignment create --role "Some Role" --assignee "$(az ad signed-in-user show --query id)" \\
    --scope "$(az storage account show --name <the segments' account>)/queues/$queue" # and so on
done
azd up && az group delete --name my-group | cat
```

```sh
az --not-these
```
"""

needs_az = pytest.mark.skipif(az() is None, reason="there is no az")


def test_every_command_is_found() -> None:
    """In blocks with all that shells do, and within a line, where arguments may be missing."""
    assert list(commands(SAMPLE)) == [
        ["ad", "signed-in-user", "show", "--query", "id"],
        ["storage", "account", "show", "--name", "placeholder"],
        [
            *("role", "assignment", "create", "--role", "Some Role", "--assignee", "value"),
            *("--scope", "value/queues/$queue"),
        ],
        ["group", "delete", "--name", "my-group"],
        ["login", "..."],
        ["functionapp", "keys", "set", "--key-name", "second", "…"],
    ]


@needs_az
def test_az_accepts_every_command(tmp_path: Path) -> None:
    """With these options, and all that it requires."""
    found = [command for path in PAGES for command in commands(page(str(path.relative_to(ROOT))))]
    assert len(found) > 30
    assert refused(found, tmp_path) == []


@needs_az
def test_az_refuses_what_is_wrong(tmp_path: Path) -> None:
    """A command, an option, a value, or that an option is missing; a part may leave options out."""
    wrong = [
        ["functionapp", "fly"],
        ["functionapp", "fly", "..."],
        ["functionapp", "keys", "set", "--key-nme", "second", "..."],
        ["group", "delete", "--name", "my-group", "--output", "paper"],
        ["functionapp", "restart"],
        ["group", "delete"],
    ]
    right = [["login"], ["functionapp", "restart", "..."], ["group", "delete", "--name", "my-group"]]
    assert len(refused([*wrong, *right], tmp_path)) == len(wrong)
