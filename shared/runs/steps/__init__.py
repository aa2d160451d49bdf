"""The steps of a run: pin, send, confirm, close. Each takes the holder; all can be repeated after a crash."""
