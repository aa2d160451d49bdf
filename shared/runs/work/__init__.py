"""What there is to do, and who does it: the timer itself, or the workers of the queue."""
