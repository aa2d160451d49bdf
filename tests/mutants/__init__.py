"""Small breakages of the code, each with the tests that should notice it: `make mutants` tries them.

A room's list is a module beside this one. Add a mutant where a test was missing, or could have been.
"""

from tests.mutants.adapters import ADAPTERS
from tests.mutants.http import HTTP
from tests.mutants.infra import INFRA
from tests.mutants.klaviyo import KLAVIYO
from tests.mutants.profiles import PROFILES
from tests.mutants.run_states import RUN_STATES
from tests.mutants.run_steps import RUN_STEPS
from tests.mutants.run_turns import RUN_TURNS

MUTANTS = [*ADAPTERS, *HTTP, *INFRA, *KLAVIYO, *PROFILES, *RUN_STATES, *RUN_STEPS, *RUN_TURNS]
