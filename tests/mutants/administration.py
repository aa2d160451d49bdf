"""Mutants of the administration: who may do what, the audit, and what nothing may be left of."""

from tests.mutants.mutant import Mutant

_RIGHTS = "shared/administration/rights.py"
_CALLERS = "shared/api/callers.py"
_ROUTES = "shared/api/routes.py"
_AUDIT = "shared/administration/audit.py"
_CONNECTIONS = "shared/administration/connections.py"
_SECRETS = "shared/administration/secrets.py"
_EXPORTS = "shared/administration/exports.py"
_DOCUMENTS = "shared/administration/documents.py"
_TESTED = "tests/administration/"
_MATRIX, _CALLED = f"{_TESTED}test_rights.py", f"{_TESTED}test_callers.py"
_CONNECTED, _EXPORTED, _AUDITED, _FAILED = (
    f"{_TESTED}test_connections.py",
    f"{_TESTED}test_exports.py",
    f"{_TESTED}test_audit.py",
    f"{_TESTED}test_failures.py",
)

ADMINISTRATION = [
    Mutant(_RIGHTS, "Action.READ_AUDIT: _ADMINISTRATORS", "Action.READ_AUDIT: _CONTRIBUTORS", _MATRIX),
    Mutant(_RIGHTS, "Action.CHECK_HEALTH: _ADMINISTRATORS", "Action.CHECK_HEALTH: _CONTRIBUTORS", _MATRIX),
    Mutant(_RIGHTS, "Action.SHOW_ROWS: _CONTRIBUTORS", "Action.SHOW_ROWS: _RUNNERS", _MATRIX),
    Mutant(_RIGHTS, '- {""}', "- set()", _MATRIX),
    Mutant(_RIGHTS, "each.lower() for each in shared_with", "each for each in shared_with", _MATRIX),
    Mutant(_CALLERS, "    if not sign_in.is_on:", "    if False:", _CALLED),
    Mutant(_CALLERS, 'principal.get("auth_typ") != "aad" or ', "", _CALLED),
    Mutant(_CALLERS, "not tenant or tenant not in sign_in.tenants", "False", _CALLED),
    Mutant(_CALLERS, "        if _played is None:", "        if False:", _CALLED),
    Mutant(_ROUTES, 'site not in ("", "same-origin", "none") or ', "", _CALLED),
    Mutant(_ROUTES, " or (origin and origin != own)", "", _CALLED),
    Mutant(_ROUTES, "    check_role(by, operation.action)\n", "", _MATRIX),
    Mutant(_AUDIT, 'b"\\n" + line.encode()', 'line.encode() + b"\\n"', _AUDITED),
    Mutant(_AUDIT, "entries.setdefault(entry.id, entry)", "entries[entry.id + line.hex()] = entry", _AUDITED),
    Mutant(
        _SECRETS,
        "        _settle(services, document, *([before.document] if before is not None else []))\n",
        "",
        _CONNECTED,
    ),
    Mutant(_SECRETS, "        remove_secret(services, before.document)\n", "        pass\n", _CONNECTED),
    Mutant(
        _CONNECTIONS,
        "    if used := uses_of(services, connection_id):\n        raise",
        "    if used := []:\n        raise",
        _CONNECTED,
    ),
    Mutant(
        _CONNECTIONS,
        "        if used := uses_of(services, connection_id):  #",
        "        if used := []:  #",
        _FAILED,
    ),
    Mutant(_CONNECTIONS, "place, if_match=blob.etag)\n        if", "place)\n        if", _FAILED),
    Mutant(_SECRETS, "        if version.secret_name != named:\n", "        if True:\n", _FAILED),
    Mutant(
        _EXPORTS,
        "            _check_connection(services, export)\n            _discard",
        "            _discard",
        _FAILED,
    ),
    Mutant(
        _CONNECTIONS, "        request_cancel(services.state, run.record.id)\n", "        pass\n", _CONNECTED
    ),
    Mutant(_EXPORTS, "    if not discard_export(services, export_id):", "    if False:", _EXPORTED),
    Mutant(_EXPORTS, "    check_version(stored, etag)\n", "", _EXPORTED),
    Mutant(_DOCUMENTS, "create_only=before is None, if_match=etag", "", _EXPORTED),
    Mutant(
        "shared/runs/steps/ledger.py",
        "    if _is_removed(holder.lock.store, head.export):\n        return None\n",
        "",
        _EXPORTED,
    ),
]
