"""The course of a run: from a segment's snapshot to a list, and to a record that accounts for every row.

Callers use `advance`: `start`, `run`, `advance`, `cancel`. The timer uses `work.tick`, the queue's workers
`work.worker`. All acquire the lock of an export (`lock.export`), whose head (`heads.head`) has at most one
open run, and then take a turn (`turn`):

    read the signals                 signals    canceled? paused? a newer snapshot?
    ask the run for its next step    states     the states and their transitions  <- read this first
                                     run        the verbs, and the decision; pure
    do it                            steps/     pin, send, confirm, close
    write the head                   lock.export

until the run is closed, must wait, or the turn's time is over. A process may die at any point: the head shows
where the next holder continues, and counts are computed again from the rows.

    record, plan, deliveries    the parts of a run's documents
    starting, due               how a run begins, and when
    queue/                      messages to workers, and the work that they announce
    views/                      history, estimates, previews
    report                      log lines and metrics
"""
