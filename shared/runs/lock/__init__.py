"""Locks: of an export (its head), and of a Klaviyo account."""
