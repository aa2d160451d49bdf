"""Locks: of an export, which its head is, and of a Klaviyo account."""
