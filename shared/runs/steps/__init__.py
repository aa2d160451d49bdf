"""The steps of a run: pin, send, confirm, close. Each takes the holder, and can be repeated after a crash."""
