"""What the timer does at each tick: find work, and do it, account by account."""
