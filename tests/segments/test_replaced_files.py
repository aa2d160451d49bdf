"""Files that are replaced under the same name while a run reads them."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.adapters.storage.store import Store
from shared.catalog import Export
from shared.errors import InvalidSegment
from shared.profiles import Profile, Selection
from shared.runs.plan import PinnedSegment, Plan
from shared.runs.steps.rows import profiles_of
from shared.services import Services
from shared.settings import Settings
from tests.segments.building import EXPORT, RUN, entity, write_model
from tests.support.stores import with_segments

FILE = f"{EXPORT}/Gold/{RUN}/1.csv"
# With long ids: enough for several chunks of 4 MiB, also compressed.
PEOPLE = 30_000


@pytest.fixture
def services(store: Store, tmp_path: Path) -> Iterator[Services]:
    settings = Settings(segments_url=f"file:{tmp_path / 'store'}", state_url=f"file:{tmp_path / 'state'}")
    with Services.from_settings(settings) as services:
        yield with_segments(services, store)


def content(version: str) -> bytes:
    """A file of people whose addresses begin with the version, of the same size for each."""
    rows = (f"{number:0500x},{version}{number:06}@example.org\n" for number in range(PEOPLE))
    return f"CustomerId,EMail\n{''.join(rows)}".encode()


def profiles(services: Services) -> Iterator[Profile]:
    """What a run would send of the segment that is pinned now."""
    export = {
        "id": "vip",
        "connection": "none",
        "segments": ["Gold"],
        "list_id": "Y6nRLr",
        "match": {"email": "EMail"},
    }
    pinned = PinnedSegment.of("Gold", services.segments.newest("Gold"))
    plan = Plan(export=Export.parse("vip", json.dumps(export).encode()), account_id="", segments=[pinned])
    return profiles_of(services, plan, Selection(lambda _: None))


def email_of(profile: Profile) -> str:
    return str(json.loads(profile.payload)["attributes"]["email"])


@pytest.mark.parametrize(
    "compress", [bytes, lambda content: gzip.compress(content, 0)], ids=["plain", "gzip"]
)
@pytest.mark.parametrize("is_begun", [False, True], ids=["before its first row", "after its first row"])
def test_no_row_of_a_second_version_leaves(
    services: Services, compress: Callable[[bytes], bytes], is_begun: bool
) -> None:
    """A file that is replaced by one of the same name and size ends the run, and gives only its own rows."""
    store = services.segment_store
    store.write(FILE, compress(content("first")))
    write_model(store, entity("Gold", [FILE]))
    found = profiles(services)
    emails = [email_of(next(found))] if is_begun else []

    store.write(FILE, compress(content("other")))
    with pytest.raises(InvalidSegment) as refused:
        emails.extend(map(email_of, found))

    assert refused.value.code == "snapshot_changed"
    assert all(email.startswith("first") for email in emails)
    assert len(emails) < PEOPLE


@pytest.mark.parametrize("store", ["folder_store"], indirect=True)
def test_no_row_of_a_file_that_is_rewritten_leaves(services: Services, tmp_path: Path) -> None:
    """A file whose bytes are overwritten by other software, without a rename, ends the run too."""
    services.segment_store.write(FILE, content("first"))
    write_model(services.segment_store, entity("Gold", [FILE]))
    found = profiles(services)
    emails = [email_of(next(found))]

    with (tmp_path / "store" / FILE).open("r+b") as file:
        file.write(content("other"))
    with pytest.raises(InvalidSegment) as refused:
        emails.extend(map(email_of, found))

    assert refused.value.code == "snapshot_changed"
    assert all(email.startswith("first") for email in emails)
