"""The terminal: output, progress, Ctrl-C, errors and exit codes."""
