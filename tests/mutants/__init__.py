"""Small breakages of the code, each with the tests that should notice it: `make mutants` tries them.

A room's list is a module beside this one. Add a mutant where a test was missing, or could have been.
"""

from tests.mutants.adapters import ADAPTERS
from tests.mutants.administration import ADMINISTRATION
from tests.mutants.doctor import DOCTOR
from tests.mutants.forget import FORGET
from tests.mutants.http import HTTP
from tests.mutants.infra import INFRA
from tests.mutants.klaviyo import KLAVIYO
from tests.mutants.ledger import LEDGER
from tests.mutants.notifying import NOTIFYING
from tests.mutants.pages import PAGES
from tests.mutants.profiles import PROFILES
from tests.mutants.run_ending import RUN_ENDING
from tests.mutants.run_heads import RUN_HEADS
from tests.mutants.run_queue import RUN_QUEUE
from tests.mutants.run_sending import RUN_SENDING
from tests.mutants.run_states import RUN_STATES
from tests.mutants.run_subscribing import SUBSCRIBING
from tests.mutants.run_ticks import RUN_TICKS
from tests.mutants.run_turns import RUN_TURNS

MUTANTS = [
    *ADAPTERS,
    *ADMINISTRATION,
    *DOCTOR,
    *FORGET,
    *HTTP,
    *INFRA,
    *KLAVIYO,
    *LEDGER,
    *NOTIFYING,
    *PAGES,
    *PROFILES,
    *RUN_ENDING,
    *RUN_HEADS,
    *RUN_QUEUE,
    *RUN_SENDING,
    *RUN_STATES,
    *SUBSCRIBING,
    *RUN_TICKS,
    *RUN_TURNS,
]
