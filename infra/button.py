"""`make button`: writes *Deploy to Azure* into the README, for the repository that pyproject.toml names.

The portal reads the compiled template from the repository's main branch, without signing in there:
https://learn.microsoft.com/azure/azure-resource-manager/templates/deploy-to-azure-button.
"""

import re
import sys
import tomllib
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).parents[1]
PORTAL = "https://portal.azure.com/#create/Microsoft.Template/uri/"
PICTURE = "https://aka.ms/deploytoazurebutton"
# Only the line of the button begins like this.
LINE = re.compile(r"^\[!\[Deploy to Azure\].*\n\n", re.MULTILINE)


def repository(pyproject: str) -> str | None:
    """The address that `[project.urls]` names as Repository; None if there is none.

    Raises ValueError if it is not at GitHub: other forges have other addresses for files.
    """
    address: str | None = tomllib.loads(pyproject)["project"].get("urls", {}).get("Repository")
    if address is not None and not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", address):
        raise ValueError(
            "Repository in pyproject.toml must be an address such as https://github.com/OWNER/NAME."
        )
    return address


def button(address: str) -> str:
    """The button as a line of Markdown; the address is a repository's."""
    template = f"{address.replace('github.com', 'raw.githubusercontent.com')}/main/infra/main.json"
    return f"[![Deploy to Azure]({PICTURE})]({PORTAL}{quote(template, safe='')})"


def with_button(readme: str, address: str | None) -> str:
    """The README with the button below its title, or without a button if there is no address."""
    title, text = LINE.sub("", readme).split("\n\n", 1)
    return "\n\n".join([title, *([button(address)] if address else []), text])


def main() -> None:
    """Writes the README; removes the button if no repository is named any more."""
    readme = ROOT / "README.md"
    try:
        address = repository((ROOT / "pyproject.toml").read_text())
    except ValueError as error:
        sys.exit(str(error))
    readme.write_text(with_button(readme.read_text(), address))
    if address is None:
        sys.exit("The README has no button. Set Repository under [project.urls] in pyproject.toml.")


if __name__ == "__main__":
    main()
