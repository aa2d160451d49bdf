"""*Deploy to Azure*: the button is the one of the repository that pyproject.toml names."""

from urllib.parse import unquote

import pytest

from infra.button import PORTAL, ROOT, button, repository, with_button
from tests.support.templates import INFRA

README = (ROOT / "README.md").read_text()
PYPROJECT = (ROOT / "pyproject.toml").read_text()
ADDRESS = "https://github.com/example-owner/segment-export"


def named(address: str) -> str:
    return f'[project]\nname = "segment-export"\n[project.urls]\nRepository = "{address}"\n'


def test_the_readme_has_the_button_of_its_repository() -> None:
    """`make button` was run since the address changed; without an address there is no button."""
    assert with_button(README, repository(PYPROJECT)) == README


def test_the_button_opens_the_compiled_template() -> None:
    """The portal gets the address of main.json, as a file."""
    template = unquote(button(ADDRESS).partition(PORTAL)[2].rstrip(")"))
    start = "https://raw.githubusercontent.com/example-owner/segment-export/main/"
    assert template.startswith(start)
    assert INFRA.parent / template.removeprefix(start) == INFRA / "main.json"


def test_the_address_stands_in_one_place() -> None:
    """Another address gives another button in the same place, and none takes it away."""
    assert repository(named(ADDRESS)) == ADDRESS
    first = with_button(README, ADDRESS)
    assert first.splitlines()[2] == button(ADDRESS)
    moved = with_button(first, f"{ADDRESS}-2")
    assert moved.count("Deploy to Azure](") == 1
    assert f"{ADDRESS.rpartition('/')[2]}-2" in moved
    assert with_button(moved, None) == with_button(README, None)


@pytest.mark.parametrize(
    "address", ["http://github.com/owner/name", "https://example.org/owner/name", f"{ADDRESS}/", "owner/name"]
)
def test_an_address_elsewhere_is_refused(address: str) -> None:
    """Its files have addresses that nobody here knows."""
    with pytest.raises(ValueError, match="such as https://github"):
        repository(named(address))
