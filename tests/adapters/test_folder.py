"""What is particular to a folder: locks that die with their holder, modes, links, foreign writers."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from subprocess import PIPE, Popen, run
from tempfile import mkstemp
from threading import Event

import pytest

from shared.adapters.storage.folder import FolderStore
from shared.errors import AlreadyRunning, Changed, InvalidRequest, LeaseLost, StorageUnavailable

MIB = 1024 * 1024
# Other processes: one holds a lease until it ends, one counts up.
HOLDER = """
import sys
from pathlib import Path
from shared.adapters.storage.folder import FolderStore
lease = FolderStore(Path(sys.argv[1])).acquire("heads/vip.json")
print("held", flush=True)
sys.stdin.read()
"""
OCCUPIER = """
import sys
from pathlib import Path
from shared.adapters.storage.locks import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
COUNTER = """
import sys
from pathlib import Path
from shared.adapters.storage.folder import FolderStore
from shared.errors import Changed
store, left = FolderStore(Path(sys.argv[1])), 50
while left:
    blob = store.read("a")
    try:
        store.write("a", str(int(blob.content) + 1).encode(), if_match=blob.etag)
    except Changed:
        continue
    left -= 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store's files are; it does not exist yet."""
    return tmp_path / "store"


@pytest.fixture
def store(folder: Path) -> FolderStore:
    """A store in that folder."""
    return FolderStore(folder)


def holder(folder: Path) -> AbstractContextManager[Popen[str]]:
    """Another process that holds `heads/vip.json`; killed with the block at the latest."""
    return another_process(HOLDER, folder)


def occupier(folder: Path) -> AbstractContextManager[Popen[str]]:
    """Another process that hangs in the middle of a write: it holds what makes check and change one."""
    return another_process(OCCUPIER, folder / ".lock")


@contextmanager
def another_process(program: str, path: Path) -> Iterator[Popen[str]]:
    """A process that holds something at the path until its standard input ends."""
    with Popen([sys.executable, "-c", program, str(path)], stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_killed_holder_holds_nothing(store: FolderStore, folder: Path) -> None:
    """kill -9 frees the lease at once; until then nobody else gets it or writes."""
    store.write("heads/vip.json", b"1")
    with holder(folder) as process:
        with pytest.raises(AlreadyRunning):
            store.acquire("heads/vip.json")
        with pytest.raises(LeaseLost):
            store.write("heads/vip.json", b"2")
        process.send_signal(signal.SIGKILL)
        process.wait()

        lease = store.acquire("heads/vip.json")
        store.write("heads/vip.json", b"2", lease=lease)
    assert store.read("heads/vip.json").content == b"2"


def test_a_paused_holder_keeps_its_lease(store: FolderStore, folder: Path) -> None:
    """Who is stopped may wake up in the middle of a write: nobody takes over meanwhile."""
    store.write("heads/vip.json", b"1")
    with holder(folder) as process:
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)

        with pytest.raises(AlreadyRunning):
            store.acquire("heads/vip.json")
        store.write("heads/other.json", b"1")


def test_a_process_that_hangs_in_a_write_is_not_waited_for_for_ever(store: FolderStore, folder: Path) -> None:
    """Each change is given up after ten seconds, without keeping the processor busy, and reads go on."""
    store.write("a", b"1")
    calls = [lambda: store.write("a", b"2"), lambda: store.delete("a"), lambda: store.acquire("a")]

    def seconds(call: Callable[[], object]) -> tuple[float, float]:
        began, worked = time.monotonic(), time.thread_time()
        with pytest.raises(StorageUnavailable, match="folder is locked"):
            call()
        return time.monotonic() - began, time.thread_time() - worked

    with occupier(folder), ThreadPoolExecutor() as threads:
        for waited, worked in threads.map(seconds, calls):
            assert 9 < waited < 15
            assert worked < 1
        assert store.read("a").content == b"1"
    store.write("a", b"2")


def test_a_process_that_is_done_with_its_write_was_waited_for(store: FolderStore, folder: Path) -> None:
    """A write that meets another's comes after it."""
    store.write("a", b"1")
    with occupier(folder) as process, ThreadPoolExecutor() as threads:
        writing = threads.submit(store.write, "a", b"2")
        until = time.monotonic() + 5
        while not list(folder.glob(".*.tmp")):
            assert time.monotonic() < until
        assert not writing.done()
        process.communicate()

        writing.result()
    assert store.read("a").content == b"2"


def test_no_increment_of_another_process_is_lost(store: FolderStore, folder: Path) -> None:
    """Check and change are one, between processes too."""
    store.write("a", b"0")
    with ThreadPoolExecutor() as threads:
        command = [sys.executable, "-c", COUNTER, str(folder)]
        for ended in threads.map(lambda _: run(command, check=True), range(3)):
            assert ended.returncode == 0

    assert store.read("a").content == b"150"


def test_a_reader_never_sees_half_a_write(store: FolderStore) -> None:
    """While one thread replaces a blob, another reads whole versions only."""
    versions = {bytes([number]) * MIB for number in range(2)}
    store.write("a", min(versions))
    with ThreadPoolExecutor() as threads:
        writing = threads.submit(
            lambda: [store.write("a", version) for _ in range(20) for version in versions]
        )
        while not writing.done():
            assert store.read("a").content in versions


def test_a_lease_whose_lock_file_was_removed_is_lost(store: FolderStore, folder: Path) -> None:
    """A lock file taken away by hand locks nothing, and its holder stops rather than run beside another."""
    store.write("heads/vip.json", b"1")
    lease = store.acquire("heads/vip.json")
    (folder / "heads/vip.lock").unlink()

    with pytest.raises(LeaseLost):
        lease.renew()
    with pytest.raises(LeaseLost):
        store.write("heads/vip.json", b"2", lease=lease)


def test_a_lock_file_is_made_once(store: FolderStore, folder: Path) -> None:
    """Writing, releasing, removing: the file that is locked stays the same one."""
    store.write("heads/vip.json", b"1")
    store.acquire("heads/vip.json").release()
    made = (folder / "heads/vip.lock").stat().st_ino
    store.write("heads/vip.json", b"2")
    store.delete("heads/vip.json")
    store.write("heads/vip.json", b"3")
    store.acquire("heads/vip.json").release()

    assert (folder / "heads/vip.lock").stat().st_ino == made


def test_a_lease_of_another_folder_is_none_here(store: FolderStore, tmp_path: Path) -> None:
    """The same name in another store is another blob."""
    other = FolderStore(tmp_path / "other")
    store.write("a", b"1")
    other.write("a", b"1")

    with pytest.raises(LeaseLost):
        store.write("a", b"2", lease=other.acquire("a"))


def test_only_the_owner_can_read(store: FolderStore, folder: Path) -> None:
    """Files are 0600 and folders 0700, whatever the umask allows."""
    umask = os.umask(0)
    try:
        store.write("runs/vip/1.json", b"1", metadata={"status": "new"})
        store.acquire("runs/vip/1.json").release()
    finally:
        os.umask(umask)

    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")] if path.is_dir()} == {0o700}


def test_links_lead_nowhere(store: FolderStore, folder: Path, tmp_path: Path) -> None:
    """A symbolic link is not listed, read, written or removed, to a file or over a folder."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_bytes(b"theirs")
    store.write("a", b"1")
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "file").symlink_to(tmp_path / "outside/file")

    assert [blob.name for blob in store.list()] == ["a"]
    assert store.level().folders == ()
    for name in ("file", "link/file"):
        for call in (
            store.read,
            store.stat,
            store.delete,
            store.acquire,
            lambda name: store.write(name, b""),
        ):
            with pytest.raises(InvalidRequest, match="symbolic link"):
                call(name)
    with pytest.raises(InvalidRequest):
        store.level("link")
    assert (tmp_path / "outside/file").read_bytes() == b"theirs"


def test_hidden_files_and_locks_do_not_show(store: FolderStore, folder: Path) -> None:
    """What a killed writer left, or an editor put there, is no blob."""
    store.write("a", b"1", metadata={"status": "new"})
    store.acquire("a").release()
    (folder / ".a.tmp").write_bytes(b"half")
    (folder / ".git").mkdir()
    (folder / ".git/config").write_bytes(b"")
    os.mkfifo(folder / "pipe")

    assert [blob.name for blob in store.list()] == ["a"]
    assert [blob.name for blob in store.level().blobs] == ["a"]
    assert store.level().folders == ()


def test_metadata_of_another_version_is_none(store: FolderStore, folder: Path) -> None:
    """A file that somebody edits has no metadata, so that its readers open it."""
    store.write("heads/vip.json", b"1", metadata={"status": "running"})
    etag = store.stat("heads/vip.json").etag
    (folder / "heads/vip.json").write_bytes(b"22")

    assert store.stat("heads/vip.json").metadata == {}
    assert next(store.list("heads/")).metadata == {}
    with pytest.raises(Changed):
        store.write("heads/vip.json", b"3", if_match=etag)


def test_a_reading_notices_a_file_rewritten_in_place(store: FolderStore, folder: Path) -> None:
    """What was read while somebody changed the file may be half of each, and is not handed out."""
    store.write("a", b"1" * 32 * MIB)
    ended = Event()

    def touch() -> None:
        for moment in count():
            if ended.is_set():
                return
            os.utime(folder / "a", ns=(moment, moment))

    def read_often() -> None:
        for _ in range(100):
            store.read("a")

    with ThreadPoolExecutor() as threads:
        threads.submit(touch)
        try:
            with pytest.raises(StorageUnavailable):
                read_often()
        finally:
            ended.set()


def test_another_file_of_the_same_time_is_another_version(store: FolderStore, folder: Path) -> None:
    """A program that keeps times, as a copy or a restore does, hides no change of the content."""
    etag = store.write("a", b"1")
    stamp = (folder / "a").stat().st_mtime_ns
    (folder / "a").write_bytes(b"22")
    os.utime(folder / "a", ns=(stamp, stamp))
    longer = store.stat("a").etag
    (folder / "b").write_bytes(b"33")
    (folder / "b").replace(folder / "a")
    os.utime(folder / "a", ns=(stamp, stamp))
    assert len({etag, longer, store.stat("a").etag}) == 3


def test_writes_within_a_tick_of_the_kernel_differ(store: FolderStore) -> None:
    """A file system's clock may stand still for milliseconds, and a replaced file's inode comes back."""
    etags = {store.write("a", b"same") for _ in range(500)}

    assert len(etags) == 500


def test_a_stream_notices_a_file_rewritten_in_place(store: FolderStore, folder: Path) -> None:
    """A tool that copies over a segment while it is read does not get new rows among the old."""
    etag = store.write("a", b"1" * 9 * MIB)
    stream = store.stream("a", etag=etag)
    next(stream)
    with (folder / "a").open("r+b") as file:
        file.write(b"2" * 9 * MIB)

    with pytest.raises(Changed):
        next(stream)


def test_a_stream_notices_a_file_cut_short(store: FolderStore, folder: Path) -> None:
    """The end of a file that was truncated is not taken for the end of the content."""
    etag = store.write("a", b"1" * 9 * MIB)
    stream = store.stream("a", etag=etag)
    next(stream)
    os.truncate(folder / "a", 4 * MIB)

    with pytest.raises(Changed):
        list(stream)


def test_a_write_that_does_not_fit_leaves_the_old_version(store: FolderStore, folder: Path) -> None:
    """Where the system takes only part of the content, nothing changes and nothing is left behind."""
    store.write("a", b"old", metadata={"status": "old"})
    before = sorted(path.name for path in folder.rglob("*"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
    try:
        with pytest.raises(StorageUnavailable, match="EFBIG"):
            store.write("a", b"n" * 2 * MIB)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert store.read("a").content == b"old"
    assert store.stat("a").metadata == {"status": "old"}
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_a_name_cannot_be_file_and_folder(store: FolderStore) -> None:
    """Blobs could be both; a folder says that it can't, rather than to try later."""
    store.write("a/b", b"1")

    for name in ("a", "a/b/c", "n" * 300):
        with pytest.raises(InvalidRequest):
            store.write(name, b"2")
    assert [blob.name for blob in store.list()] == ["a/b"]


def test_reading_makes_no_folder(store: FolderStore, folder: Path) -> None:
    """A store that nobody wrote to is empty, and leaves no trace."""
    assert list(store.list()) == []
    assert store.level().blobs == ()
    assert not folder.exists()


def test_a_folder_is_removed_with_its_last_blob(store: FolderStore, folder: Path) -> None:
    """Nothing empty is left, not of the metadata either; a folder with another blob stays."""
    for name in ("a/b/c/1", "a/2", "a/b/c/3"):
        store.write(name, b"1", metadata={"open": "x"})
    store.delete("a/b/c/1")
    assert (folder / "a/b/c").is_dir()

    store.delete("a/b/c/3")

    assert sorted(path.name for path in folder.rglob("*") if path.is_dir()) == [".metadata", "a", "a"]
    store.delete("a/2")
    assert [path for path in folder.rglob("*") if path.is_dir()] == []


def test_a_write_whose_folder_is_removed_makes_it_again(
    store: FolderStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another process deletes the last blob of the folder at that moment."""
    removed: list[Path] = []

    def remove_once(*, dir: Path, prefix: str, suffix: str) -> tuple[int, str]:
        if not removed:
            dir.rmdir()
            removed.append(dir)
        return mkstemp(suffix, prefix, dir)

    monkeypatch.setattr("shared.adapters.storage.files.mkstemp", remove_once)

    store.write("a/b/c", b"1")

    assert removed == [folder / "a/b"]
    assert store.read("a/b/c").content == b"1"
