"""What the timer has to know of each export, so small that a listing of the heads shows it as metadata."""

from pydantic import Field

from shared.runs.record import RunId, StateModel, Time


class Retry(StateModel):
    """Attempts of the timer that did not succeed, for snapshots of these versions.

    `waits_for` is the fingerprint of the documents and the key when only people could fix the cause:
    nothing is tried again until it is another one.
    """

    versions: dict[str, str]
    attempts: int
    not_before: Time
    waits_for: str | None = None


class IndexEntry(StateModel):
    """An export at a glance.

    `pinned` has the versions of the snapshots that the open run sends, as long as a newer one may end it.
    `exported` has the version of each segment's newest snapshot that needs no run: the one last exported,
    or the baseline, which was there when the export was first seen. `paused` is an open run that waits for
    the end of a pause, whatever `not_before` says.
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
