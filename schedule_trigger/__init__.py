"""On schedule: at each tick of the timer, continue with what is open and start what is due."""

from schedule_trigger.timer import blueprint

__all__ = ["blueprint"]
