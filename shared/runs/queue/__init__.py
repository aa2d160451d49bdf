"""The queue of work: small messages, one per account at a time, each with a marker.

A storage queue delivers at least once, in any order, and sending can fail. So a message only says whose turn
it is; the pending work is in the account's marker, which is written conditionally before a message is sent. A
message that the marker does not name is an old one, and is ignored.
"""
