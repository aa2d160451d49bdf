"""Mutants of what is deployed: the templates, host.json, the app and its timer."""

from tests.mutants.mutant import Mutant

_ALERTS = "tests/infra/test_alerts.py"
_APP = "tests/infra/test_app_files.py"
_TEMPLATES = "tests/infra/test_templates.py"
_PROMISES = "tests/infra/test_promises.py"
_SETTINGS = "tests/infra/test_settings.py"
_KQL = "tests/infra/test_kql.py"
_COMPILED = "tests/infra/test_compiled.py"
_DIGEST_KEY = "tests/infra/test_digest_key.py"
_SIGN_IN = "tests/infra/test_sign_in.py"
_NETWORK = "tests/infra/test_network.py"
_EVENTS = "tests/infra/test_events.py"
_RETENTION = "tests/infra/test_retention.py"
_TEAMS = "tests/infra/test_teams.py"

_READER, _OWNER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
_SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
_SECRETS_OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"


def _mutant(old: str, new: str, tests: str) -> Mutant:
    """Of what would be deployed: tests read the compiled templates, a mutant of whose sources says little."""
    return Mutant("infra/snapshots/plainest.snapshot.json", old, new, tests)


_OF_THE_NETWORK = [
    ('"allTraffic": true', '"allTraffic": false'),
    ('"Microsoft.App/environments"', '"Microsoft.Web/serverFarms"'),
    ('"addressPrefix": "10.20.0.128/25"', '"addressPrefix": "10.20.0.0/25"'),
    ('"publicIPAllocationMethod": "Static"', '"publicIPAllocationMethod": "Dynamic"'),
    ('"vault"\n              ]', '"vaults"\n              ]'),
]
_OF_EVENTS = [
    ('"subjectEndsWith": "/model.json"', '"subjectEndsWith": "model.json"'),
    ('containers/exports/"', 'containers/exports"'),
    ('"eventTimeToLiveInMinutes": 60', '"eventTimeToLiveInMinutes": 1440'),
    ('"queueName": "work"', '"queueName": "work-poison"'),
]
_OF_TEAMS = [
    ("'Resolved'), 'Good'", "'Fired'), 'Good'"),
    ("allOf']?[0]", "allOf']?[1]"),
    ('"facts": "@body(\'facts\')"', '"facts": []'),
]

INFRA = [
    Mutant("shared/api/routes.py", "auth is Auth.KEY and not route.is_open", "not route.is_open", _APP),
    Mutant("shared/api/routes.py", "auth is Auth.KEY and not route.is_open", "False", _APP),
    Mutant("schedule_trigger/timer.py", "run_on_startup=False", "run_on_startup=True", _APP),
    Mutant("schedule_trigger/timer.py", "use_monitor=True", "use_monitor=False", _APP),
    Mutant("function_app.py", "app.register_functions(schedule_blueprint)", "", _APP),
    Mutant("function_app.py", "app.register_functions(export_blueprint)", "", _APP),
    Mutant("function_app.py", "\nquiet_libraries()\n", "\n", _APP),
    Mutant("host.json", '"00:15:00"', '"00:10:00"', _APP),
    Mutant("host.json", '"batchSize": 1', '"batchSize": 16', _SETTINGS),
    Mutant("host.json", '"visibilityTimeout": "00:01:10"', '"visibilityTimeout": "00:00:30"', _SETTINGS),
    Mutant("host.json", '"newBatchThreshold": 3', '"newBatchThreshold": 0', _SETTINGS),
    Mutant("host.json", '"httpx": "Warning"', '"httpx": "Information"', _APP),
    Mutant("host.json", '"telemetryMode": "OpenTelemetry"', '"telemetryMode": "Default"', _APP),
    _mutant('"severity": 0', '"severity": 3', _ALERTS),
    _mutant('"windowSize": "PT6H"', '"windowSize": "PT1H"', _ALERTS),
    _mutant('"evaluationFrequency": "PT5M"', '"evaluationFrequency": "PT10M"', _ALERTS),
    _mutant('"groupShortName": "segments",\n        "enabled": true', '"enabled": false', _ALERTS),
    _mutant("20 * Posts", "50 * Posts", _ALERTS),
    _mutant("5 * Rows", "50 * Rows", _ALERTS),
    _mutant('(\\"rejected\\", \\"failed\\")', '(\\"rejected\\")', _ALERTS),
    _mutant("Posts >= 10", "Posts >= 1000", _ALERTS),
    _mutant("Max > 6 * 3600", "Max > 60 * 3600", _ALERTS),
    _mutant("Ticks == 0", "Ticks == 1", _ALERTS),
    _mutant("Least > 0", "Least > 1", _ALERTS),
    _mutant("ago(345m)", "ago(35m)", _ALERTS),
    _mutant('status) == \\"failed\\"', 'status) == \\"canceled\\"', _ALERTS),
    _mutant("| where Max > 0", "| where Max > 1", _ALERTS),
    _mutant("Max >= 15 * 60", "Max >= 10 * 60", _ALERTS),
    _mutant("where Posts >= 10", "where Post >= 10", _KQL),
    _mutant('"httpsOnly": true', '"httpsOnly": false', _PROMISES),
    _mutant('"minTlsVersion": "1.2"', '"minTlsVersion": "1.0"', _PROMISES),
    _mutant('"scmMinTlsVersion": "1.2"', '"scmMinTlsVersion": "1.0"', _PROMISES),
    _mutant('"ftpsState": "Disabled"', '"ftpsState": "AllAllowed"', _PROMISES),
    _mutant('"perInstanceConcurrency": 4', '"perInstanceConcurrency": 1', _PROMISES),
    _mutant('"RollingUpdate"', '"Recreate"', _PROMISES),
    _mutant('"FC1"', '"Y1"', _PROMISES),
    _mutant('"maximumInstanceCount": 40', '"maximumInstanceCount": 1000', _PROMISES),
    _mutant('"DisableLocalAuth": true', '"DisableLocalAuth": false', _PROMISES),
    _mutant('"retentionInDays": 30', '"retentionInDays": 730', _PROMISES),
    _mutant('"allowSharedKeyAccess": false', '"allowSharedKeyAccess": true', _PROMISES),
    _mutant('"allowBlobPublicAccess": false', '"allowBlobPublicAccess": true', _PROMISES),
    _mutant('"isVersioningEnabled": true', '"isVersioningEnabled": false', _PROMISES),
    _mutant('"enablePurgeProtection": true', '"enablePurgeProtection": false', _PROMISES),
    _mutant('"softDeleteRetentionInDays": 90', '"softDeleteRetentionInDays": 7', _PROMISES),
    _mutant('"enableRbacAuthorization": true', '"enableRbacAuthorization": false', _PROMISES),
    _mutant('"daysAfterModificationGreaterThan": 365', '"daysAfterModificationGreaterThan": 1', _PROMISES),
    _mutant('"daysAfterCreationGreaterThan": 30', '"daysAfterCreationGreaterThan": 3', _PROMISES),
    _mutant(f"roleDefinitions/{_READER}", f"roleDefinitions/{_OWNER}", _PROMISES),
    _mutant(f"roleDefinitions/{_SECRETS_USER}", f"roleDefinitions/{_SECRETS_OFFICER}", _PROMISES),
    _mutant('"version": "3.13"', '"version": "3.11"', _TEMPLATES),
    _mutant('"state/work/"', '"state/exports/"', _TEMPLATES),
    _mutant('"state/refreshed",\n', "", _TEMPLATES),
    _mutant(
        'default/work-poison",\n      "apiVersion', 'default/work-failed",\n      "apiVersion', _TEMPLATES
    ),
    _mutant('"managedidentity"', '"key"', _TEMPLATES),
    _mutant(
        '"name": "EXPORTS_PAUSED",\n              "value": "false"',
        '"name": "EXPORTS_PAUSED",\n              "value": "true"',
        _SETTINGS,
    ),
    _mutant('"value": "httpx"', '"value": "requests"', _SETTINGS),
    _mutant('"value": "8"', '"value": "3"', _SETTINGS),
    _mutant('"value": "240"', '"value": "600"', _SETTINGS),
    _mutant("ClientId={0};Authorization=AAD", "ClientId=;Authorization=AAD", _SETTINGS),
    _mutant('"name": "QUEUE_URL"', '"name": "QUEUE"', _SETTINGS),
    _mutant('"name": "HTTP_TIME_BUDGET"', '"name": "HTTP_BUDGET"', _SETTINGS),
    _mutant('"appendBlob"', '"blockBlob"', _RETENTION),
    _mutant('"state/audit/"', '"state/"', _RETENTION),
    _mutant('"daysAfterModificationGreaterThan": 730', '"daysAfterModificationGreaterThan": 30', _PROMISES),
    *(Mutant("infra/snapshots/private.snapshot.json", *change, _NETWORK) for change in _OF_THE_NETWORK),
    *(Mutant("infra/snapshots/event-grid.snapshot.json", *change, _EVENTS) for change in _OF_EVENTS),
    *(Mutant("infra/snapshots/everything.snapshot.json", *change, _TEAMS) for change in _OF_TEAMS),
    Mutant(
        "infra/snapshots/everything.snapshot.json", '"windowSize": "PT2H"', '"windowSize": "PT1H"', _ALERTS
    ),
    Mutant("shared/runs/report.py", ', "unchanged")', ")", "tests/runs/test_telemetry.py"),
    Mutant("shared/runs/report.py", '"held": record', '"hold": record', "tests/runs/test_telemetry.py"),
    Mutant("infra/main.json", '"minValue": 30', '"minValue": 1', _PROMISES),
    Mutant("infra/main.json", '"defaultValue": "0 * * * * *"', '"defaultValue": "0 0 * * * *"', _TEMPLATES),
    Mutant("infra/alerts.bicep", "severity: 0", "severity: 3", _COMPILED),
    Mutant("infra/snapshots/timer.bicepparam", "'timer'", "'queue'", _COMPILED),
    Mutant("infra/snapshots/entra.snapshot.json", '"/api/health"', '"/api"', _TEMPLATES),
    Mutant("infra/snapshots/entra.snapshot.json", '"RedirectToLoginPage"', '"AllowAnonymous"', _TEMPLATES),
    Mutant("infra/registration.py", 'registration.get("signInAudience") != AUDIENCE', "False", _SIGN_IN),
    Mutant("infra/registration.py", "[*roles, *new]", "new", _SIGN_IN),
    Mutant("infra/registration.py", "[*redirects, *others]", "others", _SIGN_IN),
    Mutant(
        "infra/sign_in.py",
        '"appRoleAssignmentRequired": True',
        '"appRoleAssignmentRequired": False',
        _SIGN_IN,
    ),
    Mutant("infra/sign_in.py", "wanted.items() <= credential.items()", "True", _SIGN_IN),
    Mutant("infra/sign_in.py", "not in given:", "not in set():", _SIGN_IN),
    Mutant("infra/az.py", 'page.get("@odata.nextLink")', "None", _SIGN_IN),
    Mutant("infra/az.py", "if refused.status != HTTPStatus.NOT_FOUND:", "if False:", _SIGN_IN),
    Mutant("infra/az.py", "if refused.status != HTTPStatus.TOO_MANY_REQUESTS:", "if True:", _SIGN_IN),
    Mutant("infra/sign_in.py", ', "azd-service-name": SERVICE}', "}", _SIGN_IN),
    Mutant("infra/sign_in.py", "if len(ours) > 1:", "if False:", _SIGN_IN),
    Mutant("infra/sign_in.sh", "set -e\n", "", _SIGN_IN),
    Mutant("infra/sign_in.sh", ': "${AZURE_SUBSCRIPTION_ID:?', ': "${AZURE_SUBSCRIPTION_ID-', _SIGN_IN),
    Mutant("infra/digest_key.py", 'if failed.code != "SecretNotFound":', "if False:", _DIGEST_KEY),
    Mutant("infra/digest_key.py", " or failed.inner in _LASTING", "", _DIGEST_KEY),
    Mutant("infra/digest_key.py", "            sleep(PAUSE)\n", "            raise\n", _DIGEST_KEY),
]
