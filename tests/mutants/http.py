"""Mutants."""

from tests.mutants.mutant import Mutant

HTTP: list[Mutant] = []
