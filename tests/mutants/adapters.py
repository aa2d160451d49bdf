"""Mutants."""

from tests.mutants.mutant import Mutant

ADAPTERS: list[Mutant] = []
