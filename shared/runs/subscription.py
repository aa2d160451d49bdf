"""The progress of subscribing people by a consent that was not used before. Pure."""

from shared.runs.record import Count, StateModel


class Subscription(StateModel):
    """`chunks` counts the parts that were processed; `subscribed` and `not_subscribed` count the people in
    them."""

    chunks: Count = 0
    subscribed: Count = 0
    not_subscribed: Count = 0
