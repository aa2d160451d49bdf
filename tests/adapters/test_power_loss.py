"""What a machine that loses its power keeps of a write: all of the old version, or all of the new one."""

import os
from pathlib import Path

import pytest

from shared.adapters.storage.files import sync
from shared.adapters.storage.folder import FolderStore
from shared.adapters.vault import FileVault


class Disk:
    """Watches the system's own calls for what is still in memory alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cut_short: list[str] = []
        self._lost: set[tuple[int, str]] = set()
        self._synced: dict[int, tuple[int, int]] = {}
        self._fsync, self._replace, self._mkdir = os.fsync, os.replace, os.mkdir
        monkeypatch.setattr(os, "fsync", self.fsync)
        monkeypatch.setattr(os, "replace", self.replace)
        monkeypatch.setattr(os, "mkdir", self.mkdir)

    @property
    def lost(self) -> set[str]:
        """Names that would not be there, or would stand for what they stood for before."""
        return {name for _, name in self._lost}

    def fsync(self, descriptor: int) -> None:
        self._fsync(descriptor)
        status = os.fstat(descriptor)
        self._synced[status.st_ino] = (status.st_size, status.st_mtime_ns)
        self._lost = {each for each in self._lost if each[0] != status.st_ino}

    def replace(self, source: Path, target: Path) -> None:
        status = source.stat()
        if self._synced.get(status.st_ino) != (status.st_size, status.st_mtime_ns):
            self.cut_short.append(target.name)
        self._replace(source, target)
        self._lost.add((target.parent.stat().st_ino, target.name))

    def mkdir(self, path: Path, mode: int = 0o777) -> None:
        self._mkdir(path, mode)
        self._lost.add((path.parent.stat().st_ino, path.name))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Disk:
    """The disk, from when the folder of the test is there."""
    return Disk(monkeypatch)


@pytest.mark.parametrize("content", [b"content", iter([b"con", b"tent"])], ids=["whole", "in chunks"])
def test_a_write_that_returned_survives(disk: Disk, tmp_path: Path, content: bytes) -> None:
    """Its file, its name, and the folders above are on the disk; nothing takes a name before it is whole."""
    FolderStore(tmp_path / "new/state").write("runs/vip/1.json", content)

    assert disk.cut_short == []
    assert disk.lost == set()


def test_metadata_may_be_lost_and_is_never_wrong(disk: Disk, tmp_path: Path) -> None:
    """The metadata of a head is not waited for: cut short, it counts for no version, and the head is read."""
    store = FolderStore(tmp_path / "state")
    store.write("heads/vip.json", b"1", metadata={"status": "old"})
    store.write("heads/vip.json", b"2", metadata={"status": "new"})
    sidecar = tmp_path / "state/.metadata/heads/vip.json"
    written = sidecar.read_bytes()

    for length in range(len(written)):
        for kept in (written[:length], written[:length].ljust(len(written), b"\0")):
            sidecar.write_bytes(kept)
            assert store.stat("heads/vip.json").metadata == {}
    assert store.read("heads/vip.json").content == b"2"
    assert disk.cut_short == ["vip.json"] * 2  # the sidecars alone


def test_a_key_that_was_stored_survives(disk: Disk, tmp_path: Path) -> None:
    """The secrets file is whole, with every key that it had."""
    for name in ("one", "two"):
        FileVault(tmp_path / "secrets.json").write(name, "pk_sandbox")

    assert disk.cut_short == []
    assert disk.lost == set()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no file system here refuses to be synced")
def test_a_folder_that_can_not_be_synced_is_left_to_its_system() -> None:
    """Some network file systems know nothing of it: a state there works as far as they do."""
    sync(Path("/proc"))
