"""From the queue: does the work of one account, where there is a queue."""

from work_trigger.worker import blueprint

__all__ = ["blueprint"]
