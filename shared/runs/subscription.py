"""Whom a run subscribes, by a consent that was not used yet, and how far it is with that. Pure."""

from shared.runs.record import Count, StateModel


class Subscription(StateModel):
    """`chunks` counts the parts of people who were looked at; `subscribed` and `not_subscribed` the people
    that these parts are of."""

    chunks: Count = 0
    subscribed: Count = 0
    not_subscribed: Count = 0
