"""The command in a terminal."""

import os
import pty


def in_terminal(arguments: list[str], environment: dict[str, str], typed: str = "") -> tuple[int, str]:
    """Runs the command in a terminal of 80 columns; its exit code and what the screen got."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(arguments[0], arguments, environment | {"COLUMNS": "80", "TERM": "xterm"})
    os.write(terminal, typed.encode())
    said = b""
    while True:
        try:
            chunk = os.read(terminal, 65_536)
        except OSError:  # the other end is gone
            chunk = b""
        if not chunk:
            break
        said += chunk
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()
