"""A set of digests in less than a third of the memory of a set: 23 MB for a million."""

from shared.profiles.digests import PERSON


class DigestSet:
    """Digests of PERSON bytes, in buckets by their first two bytes."""

    def __init__(self) -> None:
        self._buckets = [b""] * (1 << 16)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, digest: bytes) -> bool:
        bucket = self._buckets[digest[0] << 8 | digest[1]]
        return digest in bucket and _has(bucket, digest)

    def joined(self) -> bytes:
        """All digests, joined."""
        return b"".join(self._buckets) if self._count else b""

    def add(self, digest: bytes) -> bool:
        """Returns whether the digest is new."""
        buckets, number = self._buckets, digest[0] << 8 | digest[1]
        bucket = buckets[number]
        if digest in bucket and _has(bucket, digest):
            return False
        buckets[number] = bucket + digest
        self._count += 1
        return True


def _has(bucket: bytes, digest: bytes) -> bool:
    place = bucket.find(digest)
    while place % PERSON and place >= 0:  # by chance, the end of one and the beginning of another
        place = bucket.find(digest, place + 1)
    return place >= 0
