"""Finds what is wrong with an installation, and how to fix it; for `doctor` and for the app.

A checkup writes a probe into the state and deletes it. It does not create a missing state.
"""

from shared.administration.checkup.finding import Finding
from shared.administration.checkup.installation import examine

__all__ = ["Finding", "examine"]
