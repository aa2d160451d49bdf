"""What is shown of runs: their history, how far an open one is, and what one would send."""
