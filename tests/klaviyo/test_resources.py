"""Accounts, lists and jobs, as a Klaviyo tells them that may tell anything."""

from typing import Any

import orjson
import pytest

from shared.errors import KlaviyoUnavailable
from shared.klaviyo import JobStatus
from shared.klaviyo.answers import Answer
from shared.klaviyo.resources import read_account, read_job, read_job_id, read_list

IDS = ["", " ", 7, None, True, [], {}, "a b", "a\n", "\x1b[2J", "é", "../a", "a" * 201, "\u202eabc"]


def answer(data: Any) -> Answer:
    return Answer.of(200, {}, orjson.dumps({"data": data}))


def job(**changes: Any) -> dict[str, Any]:
    attributes = {"status": "complete", "total_count": 3, "completed_count": 2, "failed_count": 1} | changes
    return {"id": attributes.pop("id", "SGVsbG8=.+/_-"), "attributes": attributes}


def account(name: Any, account_id: Any = "SNDBOX") -> list[Any]:
    return [{"id": account_id, "attributes": {"contact_information": {"organization_name": name}}}]


@pytest.mark.parametrize("bad", IDS, ids=repr)
def test_an_id_that_is_none(bad: Any) -> None:
    """Ids go into names of blobs and into records: one that can't be Klaviyo's makes it no answer."""
    for read in (
        lambda: read_account(answer(account("Made", bad))),
        lambda: read_list(answer({"id": bad, "attributes": {"name": "VIP"}})),
        lambda: read_job(job(id=bad)),
        lambda: read_job_id(answer({"id": bad})),
    ):
        with pytest.raises(KlaviyoUnavailable) as caught:
            read()
        assert caught.value.code in ("unexpected_answer", "no_job_id")


@pytest.mark.parametrize("data", [None, 7, "x", [], [7], {}, {"id": "J1"}, [[]], {"attributes": []}])
def test_data_of_another_shape(data: Any) -> None:
    """Whatever is missing, it is no answer, and never a bug."""
    for read in (read_account, read_list, lambda answer: read_job(answer.data())):
        with pytest.raises(KlaviyoUnavailable):
            read(answer(data))


def test_an_id_of_klaviyos_form() -> None:
    """Opaque ids of base64 are taken as they are."""
    assert read_job(job(id="0" * 200)).id == "0" * 200
    assert read_job_id(answer({"id": "SGVsbG8=.+/_-"})) == "SGVsbG8=.+/_-"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Made & Söhne", "Made & Söhne"),
        ("a\x1b[2Jb\n", "a\\x1b[2Jb\\n"),
        ("\u202egro", "\\u202egro"),
        ("x" * 5_000, "x" * 199 + "…"),
        (None, ""),
        ({"a": 1}, ""),
    ],
)
def test_a_name_is_shown_safely(name: Any, expected: str) -> None:
    """No name writes to a terminal what it likes, or fills it."""
    assert read_account(answer(account(name))).name == expected


@pytest.mark.parametrize("count", [-1, 10**10, 10**18, 1.0, 2.5, "3", True, [], {}])
@pytest.mark.parametrize("member", ["total_count", "completed_count", "failed_count"])
def test_a_count_that_is_none(member: str, count: Any) -> None:
    """No number of profiles, no answer: it would be added up into the record."""
    with pytest.raises(KlaviyoUnavailable):
        read_job(job(**{member: count}))


@pytest.mark.parametrize("status", [None, 7, "", "COMPLETE!", "x" * 65, "\x1b"])
def test_a_status_that_is_none(status: Any) -> None:
    """A new word stands for a job that is not done yet; anything else is no status."""
    assert read_job(job(status="archived_later")).status is JobStatus.QUEUED
    with pytest.raises(KlaviyoUnavailable):
        read_job(job(status=status))


@pytest.mark.parametrize(
    ("word", "is_final"), [("queued", False), ("processing", False), ("complete", True), ("cancelled", True)]
)
def test_a_status_of_klaviyos(word: str, is_final: bool) -> None:
    """Klaviyo's four words are read as they are, and two of them are the last of a job."""
    status = read_job(job(status=word)).status

    assert (status, status.is_final) == (word, is_final)


@pytest.mark.parametrize("time", [None, 7, "yesterday", "2026-11-23T20:00:00Z" * 9, "\x1b"])
def test_a_time_that_is_none(time: Any) -> None:
    """A job is a job without it."""
    assert read_job(job(created_at=time)).created_at == ""
    assert read_job(job(created_at="2026-11-23T20:00:00.1+00:00")).created_at == "2026-11-23T20:00:00.1+00:00"


def test_counts_that_klaviyo_leaves_out() -> None:
    """They may be null: nobody failed, and what is completed is not said."""
    read = read_job(job(total_count=None, completed_count=None, failed_count=None))

    assert (read.total, read.completed, read.failed) == (0, None, 0)
