"""`demo`: exports a synthetic segment to a list, on this machine only, and serves the page that shows it."""
