"""Digests that distinguish people and contents without revealing them."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from operator import itemgetter

import orjson

from shared.profiles.mapping import Mapping

# Bytes. Two of a million people share a digest once in 10**24 runs. With one more byte, Python would need a
# third more memory for each (64 bytes instead of 48).
PERSON = 15
# Bytes. A change is missed once in 10**16.
CONTENT = 7
# Bytes of a time under a key, and of each of its two halves.
MOMENT = 8
_HALF = 4
# Raised whenever the same cells become another profile: then everybody counts as changed once. A test checks
# it against the code.
CONTENT_VERSION = 1


class Digests:
    """Digests under a secret key; without it, nobody can find out by trying whose they are.

    Without a key, the digests are for one run only, and must not be stored.
    """

    def __init__(self, key: bytes = b"") -> None:
        self._person = blake2b(key=key, digest_size=PERSON)
        self._mark = blake2b(key=key, digest_size=_HALF, person=b"mark")
        self._mask = blake2b(key=key, digest_size=_HALF, person=b"mask")
        self._key = key

    def person(self, address: str) -> bytes:
        """The digest of an address, trimmed, in any case.

        Raises UnicodeEncodeError if it is not text.
        """
        digest = self._person.copy()
        digest.update(address.lower().encode())
        return digest.digest()

    def hide(self, person: bytes, seconds: int) -> bytes:
        """A time of a person, in seconds since 1970, as MOMENT bytes that mean nothing without the key.

        The same time of the same person always looks the same, and another time has nothing in common with
        it: it has a mark that depends on both, and the time under a mask that depends on the mark.
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
        """A function that returns the digest of a row's cells that are sent.

        It depends on the values, the mapping and the types of the columns, but not on the condition or on
        columns that are not sent. Cells never contain NUL, which separates them here.
        """
        columns = sorted({source.column for source in mapping.sources()} | {mapping.email})
        start = blake2b(key=self._key, digest_size=CONTENT)
        start.update(f"{CONTENT_VERSION}{mapping.fingerprint()}".encode())
        start.update(orjson.dumps([types[column] for column in columns]))
        # With a single place, itemgetter returns a cell and not a tuple of one.
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


# For code that compares nothing with earlier runs.
UNKEYED = Digests()
