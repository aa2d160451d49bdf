"""The timer: each tick advances open runs and starts due exports."""

from schedule_trigger.timer import blueprint

__all__ = ["blueprint"]
