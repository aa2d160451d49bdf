"""Digests that tell people and contents apart without saying who and what they are."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from operator import itemgetter

import orjson

from shared.profiles.mapping import Mapping

# Bytes. Two of a million people share a digest once in 10**24 runs; with one more byte, Python would need a
# third more memory for each (64 bytes instead of 48).
PERSON = 15
# Bytes. A change is overlooked once in 10**16.
CONTENT = 7
# Bytes of a time under a key, and of each of its two halves.
MOMENT = 8
_HALF = 4
# Goes up when the same cells become another profile: then everybody counts as changed once. A test holds it
# to the code.
CONTENT_VERSION = 1


class Digests:
    """Digests under a secret key, without which nobody can try out whose they are.

    With no key, the digests only serve for one run, and must not be written down.
    """

    def __init__(self, key: bytes = b"") -> None:
        self._person = blake2b(key=key, digest_size=PERSON)
        self._mark = blake2b(key=key, digest_size=_HALF, person=b"mark")
        self._mask = blake2b(key=key, digest_size=_HALF, person=b"mask")
        self._key = key

    def person(self, address: str) -> bytes:
        """Of an address in any case, without the white space around it.

        Raises UnicodeEncodeError for what is no text.
        """
        digest = self._person.copy()
        digest.update(address.lower().encode())
        return digest.digest()

    def hide(self, person: bytes, seconds: int) -> bytes:
        """A time of a person, in seconds since 1970, as MOMENT bytes that mean nothing without the key.

        The same time of the same person always looks the same, and another time has nothing in common with
        it: a mark that depends on both, and the time under a mask that depends on the mark.
        """
        mark = _of(self._mark, person + seconds.to_bytes(_HALF))
        return mark + (seconds ^ self._mask_of(person, mark)).to_bytes(_HALF)

    def reveal(self, person: bytes, hidden: bytes) -> int:
        """The time that was hidden."""
        return int.from_bytes(hidden[_HALF:]) ^ self._mask_of(person, hidden[:_HALF])

    def _mask_of(self, person: bytes, mark: bytes) -> int:
        return int.from_bytes(_of(self._mask, person + mark))

    def contents(
        self, mapping: Mapping, places: dict[str, int], types: dict[str, str]
    ) -> Callable[[Sequence[str]], bytes]:
        """What makes a digest of a row's cells, as far as they leave.

        It is another one for other values, another mapping, or another type of a column; not for another
        condition, nor for columns that do not leave. No cell has a NUL, which separates them here.
        """
        columns = sorted({source.column for source in mapping.sources()} | {mapping.email})
        start = blake2b(key=self._key, digest_size=CONTENT)
        start.update(f"{CONTENT_VERSION}{mapping.fingerprint()}".encode())
        start.update(orjson.dumps([types[column] for column in columns]))
        # With one place alone, itemgetter returns a cell and not a tuple of one.
        cells_of = itemgetter(*(places[column] for column in (columns[0], *columns)))

        def content(cells: Sequence[str]) -> bytes:
            digest = start.copy()
            digest.update("\0".join(cells_of(cells)).encode(errors="surrogatepass"))
            return digest.digest()

        return content


def _of(prepared: blake2b, content: bytes) -> bytes:
    digest = prepared.copy()
    digest.update(content)
    return digest.digest()


# For what compares nothing with earlier runs.
UNKEYED = Digests()
