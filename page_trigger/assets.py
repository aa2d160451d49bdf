"""The style, the script and the icon; each file's name changes with its content."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent / "assets"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A served file; `name` contains part of its digest."""

    name: str
    content: bytes
    media_type: str


@cache
def assets() -> dict[str, Asset]:
    """All assets, by file name."""
    return {path.name: _asset(path) for path in sorted(FOLDER.iterdir()) if path.suffix in _TYPES}


def find(name: str) -> Asset | None:
    """The asset that is served under this name."""
    return next((asset for asset in assets().values() if asset.name == name), None)


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    digest = sha256(content).hexdigest()[:12]
    return Asset(f"{path.stem}.{digest}{path.suffix}", content, _TYPES[path.suffix])
