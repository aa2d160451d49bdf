"""Mutants of what a tick says it did, of the last tick, and of the look at a deployment."""

from tests.mutants.mutant import Mutant

_TICK = "shared/runs/work/tick.py"
_TICKED = "tests/runs/test_what_a_tick_did.py"
_FIND = "shared/runs/work/find.py"
_HAND_OUT = "shared/runs/work/hand_out.py"
_TIMER = "shared/administration/checkup/timer.py"
_SILENT = "tests/administration/test_silence.py"
_DEPLOYMENT = "cli/doctor/deployment"
_DEPLOYED = "tests/cli/deployment"

DOCTOR = [
    Mutant(_TICK, " if work.export not in closed]", "]", _TICKED),
    Mutant(_TICK, " if not work.paused)", ")", _TICKED),
    Mutant(_TICK, "max(work.not_before, now)", "work.not_before", _TICKED),
    Mutant(_TICK, "_merged(found, turns.left())", "_merged(found, opened)", _TICKED),
    Mutant(_TICK, "            services.looks[state.TICK] = now\n", "", "tests/infra/test_costs.py"),
    Mutant(_TICK, "timedelta(minutes=4.5)", "timedelta(minutes=5.5)", "tests/infra/test_costs.py"),
    Mutant(
        _FIND, "if work.request is not None and whole.left() > 0:", "if work.request is not None:", _TICKED
    ),
    Mutant(_FIND, 'heads[export_id].metadata.get("status", "queued")', '"queued"', _TICKED),
    Mutant(_HAND_OUT, "if each.account in asked and each", "if each", _TICKED),
    Mutant(_TIMER, "is_expected and (age", "(age", _SILENT),
    Mutant(_TIMER, "age > LONGEST_SILENCE", "age >= LONGEST_SILENCE", _SILENT),
    Mutant(
        f"{_DEPLOYMENT}/azure.py",
        "            if not page.next_link:\n                return\n",
        "            return\n",
        _DEPLOYED,
    ),
    Mutant(
        f"{_DEPLOYMENT}/azure.py",
        "if (parts.scheme, parts.hostname) != (ours.scheme, ours.hostname):",
        "if False:",
        _DEPLOYED,
    ),
    Mutant(f"{_DEPLOYMENT}/azure.py", "if len(content) > MOST_BYTES:", "if False:", _DEPLOYED),
    Mutant(f"{_DEPLOYMENT}/azure.py", "min(PATIENCE, self._deadline.left())", "PATIENCE", _DEPLOYED),
    Mutant(
        f"{_DEPLOYMENT}/roles.py",
        "        and _is_at_or_above(each.properties.scope, scope)\n",
        "",
        _DEPLOYED,
    ),
    Mutant(f"{_DEPLOYMENT}/roles.py", "max(ages) < PROPAGATION", "min(ages) > PROPAGATION", _DEPLOYED),
    Mutant(
        f"{_DEPLOYMENT}/roles.py",
        "{scope.rstrip('/')}/\".lower()",
        "{scope.rstrip('/')}\".lower()",
        _DEPLOYED,
    ),
    Mutant(f"{_DEPLOYMENT}/network.py", ' and rules.default_action == "Allow"', "", _DEPLOYED),
    Mutant(f"{_DEPLOYMENT}/network.py", 'return states.count("Approved")', "return len(states)", _DEPLOYED),
    Mutant(
        f"{_DEPLOYMENT}/subscription.py",
        'return region.replace(" ", "").lower()',
        "return region.lower()",
        _DEPLOYED,
    ),
    Mutant(
        f"{_DEPLOYMENT}/segments_account.py",
        "topic.properties.source.lower() == account.id.lower()",
        "topic.properties.source == account.id",
        _DEPLOYED,
    ),
    Mutant(
        f"{_DEPLOYMENT}/groups.py",
        "resource.group.lower() == expected.lower()",
        "resource.group == expected",
        _DEPLOYED,
    ),
    Mutant(f"{_DEPLOYMENT}/place.py", "(group if segments else None)", "group", _DEPLOYED),
    Mutant(f"{_DEPLOYMENT}/place.py", "vault_group or (group if vault else None)", "vault_group", _DEPLOYED),
    Mutant(f"{_DEPLOYMENT}/rights.py", " and not _names(self.not_actions, action)", "", _DEPLOYED),
    Mutant(f"{_DEPLOYMENT}/rights.py", ", re.IGNORECASE", "", _DEPLOYED),
    Mutant(f"{_DEPLOYMENT}/resources.py", "unseen.fix, warning=True)", '"")', _DEPLOYED),
]
