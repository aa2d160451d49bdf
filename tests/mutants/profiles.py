"""Mutants of what decides what leaves."""

from tests.mutants.mutant import Mutant

PROFILES = [
    Mutant(
        "shared/profiles/mapper.py",
        "if len(payload) > self._most_bytes:",
        "if False:",
        "tests/profiles/test_mapper.py",
    ),
    Mutant(
        "shared/profiles/mapper.py",
        'if len(attributes.get("external_id", "")) > self._longest_external_id:',
        "if False:",
        "tests/profiles/test_mapper.py",
    ),
    Mutant(
        "shared/profiles/mapper.py",
        "len(email) > self._longest_email or ",
        "",
        "tests/profiles/test_mapper.py",
    ),
    Mutant(
        "shared/profiles/batches.py",
        "MOST_UNUSUAL = 500",
        "MOST_UNUSUAL = 5_000",
        "tests/profiles/test_batches.py",
    ),
    Mutant(
        "shared/profiles/batches.py",
        "> self._most_bytes + 1",
        "> self._most_bytes + 2",
        "tests/profiles/test_batches.py",
    ),
    Mutant(
        "shared/profiles/digests.py",
        "address.lower().encode()",
        "address.encode()",
        "tests/profiles/test_selection.py",
    ),
]
