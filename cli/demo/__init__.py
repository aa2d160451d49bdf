"""`demo`: an export from a synthetic segment to a list, on this machine only, and the page that shows it."""
