"""Finds the pending work and does it: in the timer itself, or in the workers of the queue."""
