"""The do-not-send list: people who were erased and are never sent again, as keyed digests.

The list only grows, at its end, so a run stores how much of it existed when the run began as a number.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared import state
from shared.adapters.storage.store import Store
from shared.errors import AlreadyExists, Changed, InvalidDocument, NotFound, PermanentError
from shared.ledger.key import DigestKey
from shared.ledger.sealed import sealed, unsealed
from shared.profiles.digests import PERSON

# Bytes: a million people.
LONGEST = 16 * 1024 * 1024
# Several commands may write at the same time.
_ATTEMPTS = 5


class ErasedUnreadable(PermanentError):
    """The do-not-send list can't be read with the current digest key: nobody may be sent."""

    code = "erased_unreadable"


class _Header(BaseModel):
    """`key` is the id of the digest key."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    version: Literal[1] = 1
    key: str


@dataclass(frozen=True, slots=True)
class Erased:
    """The list: the id of its digest key, and its people in the order in which they were erased."""

    key: str
    people: tuple[bytes, ...]
    etag: str

    def check(self, key: DigestKey | None) -> None:
        """Raises ErasedUnreadable if this is not the key of the list."""
        if key is None or key.id != self.key:
            raise ErasedUnreadable(
                "The list of erased people can't be read with the current digest-key secret, so nothing is "
                "sent. Put back the secret that it was made with, where KEY_VAULT_URL or SECRETS_FILE points."
            )


def read_erased(store: Store) -> Erased | None:
    """The list; None if nobody was ever erased. Raises ErasedUnreadable and NewerVersion."""
    try:
        blob = store.read(state.ERASED, most=LONGEST)
        header, content = unsealed(state.ERASED, blob.content, _Header)
        return Erased(header.key, _people(content), blob.etag)
    except NotFound:
        return None
    except (InvalidDocument, ValueError):
        raise ErasedUnreadable(
            f"The list of erased people, {state.ERASED}, is broken, so nothing is sent. "
            "Restore its last version."
        ) from None


def add_erased(store: Store, key: DigestKey, people: Iterable[bytes]) -> None:
    """Adds these people to the list, each once. Raises ErasedUnreadable; Changed if others keep writing."""
    wanted = dict.fromkeys(people)
    for _ in range(_ATTEMPTS):
        known = read_erased(store)
        if known is not None:
            known.check(key)
        before = known.people if known is not None else ()
        new = wanted.keys() - set(before)
        if not new:
            return
        content = b"".join((*before, *(person for person in wanted if person in new)))
        file = b"".join(sealed(_Header(key=key.id), content))
        if len(file) > LONGEST:
            raise PermanentError("The list of erased people is full: nobody was added.", code="erased_full")
        with suppress(AlreadyExists, Changed):
            store.write(state.ERASED, file, create_only=known is None, if_match=known.etag if known else None)
            return
    raise Changed("Another process is writing the list of erased people. Try again.")


def _people(content: bytes) -> tuple[bytes, ...]:
    if len(content) % PERSON:
        raise ValueError("not a whole number of people")
    return tuple(content[start : start + PERSON] for start in range(0, len(content), PERSON))
