"""Mutants."""

from tests.mutants.mutant import Mutant

KLAVIYO: list[Mutant] = []
