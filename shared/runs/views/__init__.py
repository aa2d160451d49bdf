"""Views of runs: their history, the progress of an open one, and a preview of the next one."""
