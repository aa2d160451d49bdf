"""The layout of the state. Only this module builds names of blobs.

connections/<connection>.json            a connection's document
exports/<export>.json                    an export's document
heads/<export>.json                      the lock of an export, and the checkpoint of its open run
runs/<export>/<run>.json                 the record of a closed run
runs/<export>/<run>.rejected.csv         its refused rows
runs/<export>/<run>.cancel               requests the end of an open run
runs/<export>/<run>.parts/               data of an open run in addition to its head; removed when it closes
    <digest>.places                      which rows a post carries
    <digest>.rejected                    rows of a batch that Klaviyo refused
    <digest>.job.rejected                rows that an accepted job could not import
    check-<number>.rejected              rows that our own checks refused
    <digest>.people                      digests of the people that a post carries
    <digest>.failed                      which of them an accepted job could not import
    left                                 digests of people who have left the segment
    here                                 digests of people whose rows were refused
    subscribed-<number>                  digests of people whose consents are used, and those times, hidden
    removal-<number>.json                the outcome for some of the people who left
    cursor                               where to continue reading the list's members
    members-<number>                     members of the list, and the digests of their addresses
    absent-<number>.json                 people who were sent but are not members
ledgers/<export>/<run>.<epoch>           people who may be on the export's list at the end of that run
ledgers/key.json                         which digest key the ledgers need; the key itself is in the vault
work/<account>                           the pending work of an account, if there is a queue
refreshed                                segments were refreshed, and a process is going to look
recent/<number>-<run>                    a run was closed; later runs have smaller numbers
audit/<day>.<part>.jsonl                 who changed what on that day; parts count from 0
erased/people                            people who were erased and are never sent again
locks/digest-key                         held while the digest key is created
locks/account-<account>                  the lock of a Klaviyo account
locks/oauth-<connection>                 held while the tokens of a connection are refreshed
locks/sign-in-<digest>                   an open sign-in at Klaviyo
locks/wanted-<account>                   the run that gets this account next; for seconds
locks/work-<account>                     held by the worker of the account, if there is a queue
locks/pause-<account>                    the end of Klaviyo's pause for the account
locks/tick                               written at some ticks: its age shows whether the timer runs
locks/probe-<who>                        written and deleted, to check that the state is writable

The id of a run begins with the id of its export: <export>.<time>-<number>.
"""

import re
from datetime import UTC, date, datetime

CONNECTIONS, EXPORTS, HEADS, RUNS = "connections/", "exports/", "heads/", "runs/"
LEDGERS, DIGEST_KEY, DIGEST_KEY_LOCK = "ledgers/", "ledgers/key.json", "locks/digest-key"
ERASED = "erased/people"
WORK = "work/"
REFRESHED = "refreshed"
AUDIT = "audit/"
RECENT = "recent/"
DOCUMENTS = (CONNECTIONS, EXPORTS)
ACCOUNT_PAUSES = "locks/pause-"
SIGN_INS = "locks/sign-in-"
TICK = "locks/tick"

_RUN_ID = re.compile(r"([a-z0-9][a-z0-9-]{0,62})\.(2[01]\d{6}T\d{6}Z)-[0-9a-f]{4}", re.ASCII)
PEOPLE = ".people"
_TIME = "%Y%m%dT%H%M%SZ"
# The export of a file that the command sends. Only the command has the file and the key.
_ONE_FILE = re.compile(r"send-[0-9a-f]{16}")


def connection(connection_id: str) -> str:
    return f"{CONNECTIONS}{connection_id}.json"


def export(export_id: str) -> str:
    return f"{EXPORTS}{export_id}.json"


def head(export_id: str) -> str:
    return f"{HEADS}{export_id}.json"


def id_of(name: str) -> str | None:
    """The id of the connection, export or head with this name; None for any other name."""
    folder, slash, file = name.partition("/")
    is_one = f"{folder}{slash}" in (*DOCUMENTS, HEADS) and file.endswith(".json") and "/" not in file
    return file.removesuffix(".json") if is_one else None


def is_of_one_file(export_id: str) -> bool:
    """Whether the export belongs to one file that the command sends."""
    return _ONE_FILE.fullmatch(export_id) is not None


def one_file(digest: str) -> str:
    """The id of the export of a file, from 16 hexadecimal digits."""
    return f"send-{digest}"


def new_run_id(export_id: str, opened_at: datetime, number: int) -> str:
    return f"{run_id_stem(export_id, opened_at)}{number:04x}"


def run_id_stem(export_id: str, opened_at: datetime) -> str:
    """The common beginning of the ids of an export's runs of one second."""
    return f"{export_id}.{opened_at.astimezone(UTC):{_TIME}}-"


def export_of(run_id: str) -> str | None:
    """The export whose run has this id; None if it is not the id of a run."""
    parts = _RUN_ID.fullmatch(run_id)
    try:
        return parts[1] if parts and datetime.strptime(parts[2], _TIME).replace(tzinfo=UTC) else None
    except ValueError:
        return None


def opened_at(run_id: str) -> datetime:
    """When a run was opened. Raises ValueError if it is not the id of a run."""
    return datetime.strptime(time_of(run_id), _TIME).replace(tzinfo=UTC)


def runs(export_id: str) -> str:
    return f"{RUNS}{export_id}/"


def runs_of_time(export_id: str, time: str) -> str:
    """The common beginning of the names of blobs of runs whose time begins with `time`, such as 202611."""
    return f"{runs(export_id)}{export_id}.{time}"


def time_of(run_id: str) -> str:
    """The time in a run's id, as text."""
    return run_id.rpartition(".")[2].partition("-")[0]


def record(run_id: str) -> str:
    return f"{_run(run_id)}.json"


def recent(run_id: str) -> str:
    """Listings are in ascending order of names, so the newest run gets the smallest number."""
    return f"{RECENT}{9_999_999_999 - int(opened_at(run_id).timestamp()):010}-{run_id}"


def run_of_recent(name: str) -> str | None:
    """The id of the run with this name; None for any other name."""
    run_id = name.removeprefix(RECENT)[11:]
    return run_id if export_of(run_id) is not None and name == recent(run_id) else None


def run_of_record(name: str) -> str | None:
    """The id of the run whose record has this name; None for any other name."""
    run_id = name.rpartition("/")[2].removesuffix(".json")
    return run_id if export_of(run_id) is not None and name == record(run_id) else None


def rejected(run_id: str) -> str:
    return f"{_run(run_id)}.rejected.csv"


def cancel(run_id: str) -> str:
    return f"{_run(run_id)}.cancel"


def parts(run_id: str) -> str:
    return f"{_run(run_id)}.parts/"


def places(run_id: str, digest: str) -> str:
    return f"{parts(run_id)}{digest}.places"


def people(run_id: str, digest: str) -> str:
    return f"{parts(run_id)}{digest}{PEOPLE}"


def failed(run_id: str, digest: str) -> str:
    return f"{parts(run_id)}{digest}.failed"


def left(run_id: str) -> str:
    return f"{parts(run_id)}left"


def here(run_id: str) -> str:
    return f"{parts(run_id)}here"


def cursor(run_id: str) -> str:
    return f"{parts(run_id)}cursor"


def members(run_id: str, number: int) -> str:
    return f"{parts(run_id)}members-{number:06}"


def absent(run_id: str, number: int) -> str:
    return f"{parts(run_id)}absent-{number:06}.json"


def subscribed(run_id: str, number: int) -> str:
    return f"{parts(run_id)}subscribed-{number:06}"


def removal(run_id: str, number: int) -> str:
    return f"{parts(run_id)}removal-{number:06}.json"


def rejected_part(run_id: str, part: str) -> str:
    return f"{parts(run_id)}{part}.rejected"


def job_part(digest: str) -> str:
    return f"{digest}.job"


def checked_part(number: int) -> str:
    return f"check-{number:06}"


def checked_parts(run_id: str) -> str:
    """The common beginning of the names of the parts of our own checks."""
    return f"{parts(run_id)}check-"


def ledgers(export_id: str) -> str:
    return f"{LEDGERS}{export_id}/"


def ledger(run_id: str, epoch: int) -> str:
    return f"{ledgers(run_id.partition('.')[0])}{run_id}.{epoch}"


def export_of_ledger(name: str) -> str | None:
    """The export of the ledger with this name; None for any other name."""
    return export_of(run_of_ledger(name))


def run_of_ledger(name: str) -> str:
    """The id of the run that wrote the ledger with this name."""
    return name.rpartition("/")[2].rpartition(".")[0]


def audit(day: date, part: int = 0) -> str:
    return f"{AUDIT}{day:%Y-%m-%d}.{part:03}.jsonl"


def audit_of(name: str) -> tuple[date, int] | None:
    """The day and the part of the audit with this name; None for any other name."""
    day, _, part = name.removeprefix(AUDIT).removesuffix(".jsonl").partition(".")
    try:
        found = date.fromisoformat(day), int(part)
    except ValueError:
        return None
    return found if name == audit(*found) else None


def account_lock(account_id: str) -> str:
    return f"locks/account-{account_id}"


def account_wanted(account_id: str) -> str:
    return f"locks/wanted-{account_id}"


def work(account: str) -> str:
    """The marker of an account, or of a connection whose account is unknown yet."""
    return f"{WORK}{account}"


def work_lock(account: str) -> str:
    return f"locks/work-{account}"


def account_pause(account_id: str) -> str:
    return f"{ACCOUNT_PAUSES}{account_id}"


def sign_in_lock(connection_id: str) -> str:
    return f"locks/oauth-{connection_id}"


def sign_in(digest: str) -> str:
    """An open sign-in, from the digest of its state."""
    return f"{SIGN_INS}{digest}"


def probe(who: str) -> str:
    return f"locks/probe-{who}"


def _run(run_id: str) -> str:
    return f"{runs(run_id.partition('.')[0])}{run_id}"
