"""Sends one planned batch to Klaviyo, which accepts all of a post or nothing."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import override

from shared.adapters import traces
from shared.adapters.clock import Deadline
from shared.errors import BatchRefused, ExportError, TakenElsewhere
from shared.klaviyo import ImportBody, Klaviyo, Permit
from shared.profiles import Batch, Rejected, Why
from shared.runs.deliveries import AcceptedJob
from shared.runs.holder import Holder
from shared.runs.steps.erased import DoNotSend
from shared.runs.steps.parts import Parts, RejectedLines

# About this many posts find eight culprits among 10,000 if Klaviyo doesn't name them. If more are needed, the
# cause is something else.
MOST_POSTS = 200


class _ErasedMeanwhile(ExportError):
    """A person in a post was erased after it was planned."""


class _PostPermit(Permit):
    """Checks whether this post may be sent, with these people."""

    def __init__(self, permit: Permit, do_not_send: DoNotSend, piece: Batch) -> None:
        self._permit = permit
        self._do_not_send = do_not_send
        self._piece = piece

    @override
    def check(self) -> None:
        """Raises _ErasedMeanwhile and ErasedUnreadable, and as the run's own permit does."""
        self._do_not_send.refresh()
        if self._do_not_send.among(self._piece):
            raise _ErasedMeanwhile("Somebody was erased meanwhile.")
        self._permit.check()


class BatchSender:
    """Posts batches, and checkpoints each job that Klaviyo accepts. Thread-safe."""

    def __init__(
        self,
        holder: Holder,
        klaviyo: Klaviyo,
        deadline: Deadline,
        permit: Permit,
        do_not_send: DoNotSend,
    ) -> None:
        self._lock = holder.lock
        self._run = holder.run
        self._plan = holder.plan
        self._now = holder.now
        self._parts = Parts(holder.lock)
        self._klaviyo = klaviyo
        self._deadline = deadline
        self._permit = permit
        self._do_not_send = do_not_send
        self._accepted = {job.digest for job in self._run.deliveries.jobs}
        self._finished = {batch.digest for batch in self._run.deliveries.finished}
        self.accepted_now = 0

    def is_finished(self, digest: str) -> bool:
        """Whether the planned batch with this digest is completely posted."""
        return digest in self._finished

    def send(self, batch: Batch, digest: str) -> None:
        """Posts the batch, in pieces if Klaviyo refuses profiles, until none is left.

        Profiles that Klaviyo names are removed; if it names none, the post is halved until the culprit is
        alone; after 200 posts, the rest is refused. A piece of an earlier holder that Klaviyo accepted is not
        posted again.
        """
        rejected: list[Rejected] = []
        delivered: set[str] = set()
        pieces = [batch]
        posts = 0
        with traces.span("batch", {"profiles": len(batch)}) as span, self._kept(digest, rejected):
            while pieces:
                piece = pieces.pop()
                piece_digest = piece.digest
                if piece_digest not in self._accepted:
                    if posts == MOST_POSTS:
                        rejected += self._refuse_all(piece)
                        continue
                    if erased := self._do_not_send.among(piece):
                        rejected += self._refused(piece, erased)
                        pieces += self._rest(piece, erased)
                        continue
                    posts += 1
                    try:
                        self._post(piece, piece_digest, digest)
                    except BatchRefused as refusal:
                        self._parts.remove_people(piece_digest)
                        pieces += self._split(piece, refusal, rejected)
                        continue
                    except _ErasedMeanwhile:  # an earlier attempt may have arrived: its people stay stored
                        pieces.append(piece)
                        continue
                delivered.add(piece_digest)
            self._finish(digest, delivered, rejected)
            span.set_attributes({"posts": posts, "rejected": len(rejected)})

    @contextmanager
    def _kept(self, digest: str, rejected: list[Rejected]) -> Iterator[None]:
        """Stores the refused rows of a batch that is interrupted: the run may end there."""
        try:
            yield
        except TakenElsewhere:
            raise
        except ExportError:
            if rejected:
                reasons = self._write(digest, rejected)
                with self._lock.threads:
                    self._run.deliveries.leave_batch(digest, reasons)
            raise

    def _write(self, digest: str, rejected: list[Rejected]) -> Counter[str]:
        """Writes the refused rows of a batch into their part; returns their counts by reason."""
        self._parts.write_rejected(digest, RejectedLines(rejected))
        return Counter(item.reason for item in rejected)

    def _post(self, piece: Batch, digest: str, batch_digest: str) -> None:
        self._parts.write_places(digest, piece)
        if self._plan.digest_key is not None:
            self._parts.write_people(digest, piece)
        body = ImportBody(piece.payloads, self._plan.export.list_id)
        permit = _PostPermit(self._permit, self._do_not_send, piece)
        job_id = self._klaviyo.import_profiles(body, self._deadline, permit)
        job = AcceptedJob(
            id=job_id,
            digest=digest,
            batch=batch_digest,
            profiles=len(piece),
            new=piece.count(Why.NEW) if self._plan.ledger is not None else 0,
            changed=piece.count(Why.CHANGED),
            accepted_at=self._now(),
        )
        with self._lock.threads:
            self._run.accept(job)
            self._accepted.add(digest)
            self.accepted_now += 1
            self._lock.checkpoint()
        self._deadline.progress()

    def _split(self, piece: Batch, refusal: BatchRefused, rejected: list[Rejected]) -> list[Batch]:
        """The pieces left to post of a piece that Klaviyo refused."""
        if refusal.profiles:
            places = list(piece.places())
            for refused in refusal.profiles:
                partition, row = places[refused.index]
                column = self._plan.column_of(refused.attribute)
                rejected.append(Rejected(partition, row, column, refused.reason, "import"))
            return self._rest(piece, {refused.index for refused in refusal.profiles})
        if len(piece) == 1:
            rejected += self._refuse_all(piece)
            return []
        return list(reversed(piece.halves()))

    @staticmethod
    def _rest(piece: Batch, places: set[int]) -> list[Batch]:
        """The piece without the profiles at these places; none if nothing is left."""
        rest = piece.without(places)
        return [rest] if len(rest) else []

    @staticmethod
    def _refused(piece: Batch, places: set[int]) -> list[Rejected]:
        """The rows at these places, as refused: their people were erased."""
        return [
            Rejected(partition, row, "", "erased", "check")
            for place, (partition, row) in enumerate(piece.places())
            if place in places
        ]

    @staticmethod
    def _refuse_all(piece: Batch) -> list[Rejected]:
        return [Rejected(partition, row, "", "batch_refused", "import") for partition, row in piece.places()]

    def _finish(self, digest: str, delivered: set[str], rejected: list[Rejected]) -> None:
        reasons = self._write(digest, rejected) if rejected else Counter[str]()
        with self._lock.threads:
            self._run.deliveries.finish_batch(digest, delivered, reasons)
            self._finished.add(digest)
            if rejected:
                self._lock.checkpoint()
