"""How a run goes: from a segment's snapshot to a list, and to a record that shows what became of every row.

Callers use `advance`: `start`, `run`, `advance`, `cancel`. The timer uses `work.tick`, the queue's workers
`work.worker`. All take the lock of an export (`lock.export`), whose head (`heads.head`) has at most one open
run, and then take a turn (`turn`):

    read the signals                 signals    canceled? paused? a newer snapshot?
    ask the run for its next step    states     the states and their transitions  <- read this first
                                     run        the verbs, and the decision; pure
    do it                            steps/     pin, send, confirm, close
    write the head                   lock.export

until the run is closed, has to wait, or the time of the turn is over. A process may die at any point: the
head says where the next holder continues, and counts are worked out anew from the rows.

    record, plan, deliveries    the parts of a run's documents
    starting, due               how a run begins, and when
    queue/                      messages to workers, and what they stand for
    views/                      history, estimates, previews
    report                      log lines and metrics
"""
