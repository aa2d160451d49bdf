"""Between the commands and the person: output, progress, Ctrl-C, errors and exit codes."""
