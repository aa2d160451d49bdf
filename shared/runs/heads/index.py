"""The data that the timer needs of each export, small enough for a listing of heads to show as metadata."""

from pydantic import Field

from shared.runs.record import RunId, StateModel, Time


class Retry(StateModel):
    """Attempts of the timer that did not succeed, for snapshots of these versions.

    If only people could fix the cause, `waits_for` is the fingerprint of the documents and the key at that
    time: nothing is retried until it changes.
    """

    versions: dict[str, str]
    attempts: int
    not_before: Time
    waits_for: str | None = None


class IndexEntry(StateModel):
    """An export at a glance.

    `pinned` has the versions of the snapshots that the open run sends, while a newer one may end it.
    `exported` has the version of each segment's newest snapshot that needs no run: the one last exported, or
    the baseline, which existed when the export was first seen. `paused`: the open run waits for the end of a
    pause, regardless of `not_before`.
    """

    open: RunId | None = None
    account: str | None = None
    pinned: dict[str, str] = Field(default_factory=dict)
    advanced_at: Time | None = None
    not_before: Time | None = None
    paused: bool = False
    exported: dict[str, str]
    scheduled_at: Time
    retry: Retry | None = None
    succeeded_at: Time | None = None
