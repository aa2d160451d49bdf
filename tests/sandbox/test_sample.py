"""The sample maker: a made segment, laid out as Customer Insights writes one."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from sandbox.people import COLUMNS, People, Row
from sandbox.sample import FOLDER, example_documents, write_segment
from shared.adapters.storage.folder import FolderStore

REFRESHED = datetime(2026, 8, 24, 14, 33, 7, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def model(store: FolderStore, prefix: str = "") -> Any:
    return json.loads(store.read(f"{prefix}{FOLDER}/model.json").content)


def entity(store: FolderStore, name: str) -> Any:
    [found] = [entity for entity in model(store)["entities"] if entity["name"] == name]
    return found


def rows(store: FolderStore, name: str) -> list[Row]:
    header, *rows = csv.reader(io.StringIO(store.read(name).content.decode(), newline=""))
    assert header == list(COLUMNS)
    return [tuple(row) for row in rows]


def test_partitions_lie_where_customer_insights_puts_them(store: FolderStore) -> None:
    """A run folder is named by the refresh in UTC, to the minute, and its partitions count from 1."""
    paris = REFRESHED.astimezone(timezone(timedelta(hours=2)))
    folder = write_segment(store, "HighValueSegment", People(5), refreshed=paris, prefix="exports/")
    assert folder == f"exports/{FOLDER}/HighValueSegment/2026/08/24/1433"
    assert [blob.name for blob in store.list()] == [
        f"{folder}/HighValueSegment_1.csv",
        f"{folder}/HighValueSegment_2.csv",
        f"exports/{FOLDER}/model.json",
    ]


@pytest.mark.parametrize(("count", "partitions"), [(0, 1), (1, 2), (10, 1), (10, 3), (200, 7)])
def test_every_person_is_in_one_partition(store: FolderStore, count: int, partitions: int) -> None:
    """The partitions together hold the people in their order, line breaks and quotes included."""
    people = People(count, dirt=True)
    folder = write_segment(store, "Few", people, refreshed=REFRESHED, partitions=partitions)
    parts = [rows(store, f"{folder}/Few_{number}.csv") for number in range(1, partitions + 1)]
    assert [row for part in parts for row in part] == list(people)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_rows_of_ones_own_can_be_laid_out(store: FolderStore) -> None:
    """A list of rows is as good as People."""
    mine = list(People(2))[::-1]
    folder = write_segment(store, "Mine", mine, refreshed=REFRESHED, partitions=1)
    assert rows(store, f"{folder}/Mine_1.csv") == mine


def test_model_json_describes_the_partitions(store: FolderStore) -> None:
    """model.json gives each partition's full address and format, each column's type, and the key."""
    folder = write_segment(store, "Gold", People(3), refreshed=REFRESHED)
    found = entity(store, "Gold")
    assert [partition["location"] for partition in found["partitions"]] == [
        f"https://segmentsample.blob.core.windows.net/segments/{folder}/Gold_{number}.csv"
        for number in (1, 2)
    ]
    assert {partition["refreshTime"] for partition in found["partitions"]} == {"2026-08-24T14:33:07Z"}
    assert all(partition["fileFormatSettings"]["columnHeaders"] for partition in found["partitions"])
    assert {column["name"]: column["dataType"] for column in found["attributes"]} == COLUMNS
    assert found["annotations"] == [{"name": "c360:PrimaryKey", "value": "CustomerId"}]


def test_a_second_refresh_is_the_newest_and_the_first_stays(store: FolderStore) -> None:
    """model.json names the newest run folder only, while the earlier one and other segments stay."""
    first = write_segment(store, "Gold", People(3), refreshed=REFRESHED, partitions=3)
    other = write_segment(store, "Silver", People(2), refreshed=REFRESHED, partitions=1)
    second = write_segment(store, "Gold", People(4), refreshed=REFRESHED + timedelta(days=1), partitions=1)
    [partition] = entity(store, "Gold")["partitions"]
    assert partition["location"].endswith(f"/segments/{second}/Gold_1.csv")
    [partition] = entity(store, "Silver")["partitions"]
    assert partition["location"].endswith(f"/segments/{other}/Silver_1.csv")
    assert model(store)["modifiedTime"] == "2026-08-25T14:33:07Z"
    assert len(rows(store, f"{first}/Gold_1.csv")) == 1


def test_the_example_maps_columns_that_the_sample_has() -> None:
    """The example documents fit together, and every column they map is in the sample."""
    documents = example_documents()
    connection, export = documents["connections/sandbox.json"], documents["exports/vip.json"]
    assert export["connection"] == connection["id"]
    *plain, properties = export["attributes"].values()
    columns = [export["match"]["email"], *plain, *properties]
    assert {column if isinstance(column, str) else column["column"] for column in columns} <= set(COLUMNS)
