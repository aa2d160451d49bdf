"""Mutants of what is deployed: the templates, host.json, the app and its timer."""

from tests.mutants.mutant import Mutant

_ALERTS = "tests/infra/test_alerts.py"
_APP = "tests/infra/test_app_files.py"
_TEMPLATES = "tests/infra/test_templates.py"
_PROMISES = "tests/infra/test_promises.py"
_SETTINGS = "tests/infra/test_settings.py"


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
    Mutant("infra/alerts.bicep", "window: 'PT15M'", "window: 'PT1H'", _ALERTS),
    Mutant("infra/alerts.bicep", "every: 'PT5M'", "every: 'PT10M'", _ALERTS),
    Mutant("infra/alerts.bicep", "severity: 0", "severity: 3", _ALERTS),
    Mutant("infra/alerts.bicep", "severity: rule.severity", "severity: 3", _ALERTS),
    Mutant("infra/alerts.bicep", "windowSize: rule.window", "windowSize: 'PT5M'", _ALERTS),
    Mutant("infra/alerts.bicep", "evaluationFrequency: rule.every", "evaluationFrequency: 'P1D'", _ALERTS),
    Mutant(
        "infra/alerts.bicep",
        "      enabled: true\n      scopes",
        "      enabled: false\n      scopes",
        _ALERTS,
    ),
    Mutant(
        "infra/alerts.bicep",
        "    enabled: true\n    emailReceivers",
        "    enabled: false\n    emailReceivers",
        _ALERTS,
    ),
    Mutant("infra/alerts.bicep", "threshold: 0\n", "threshold: 1\n", _ALERTS),
    Mutant("infra/alerts.bicep", "'GreaterThan'", "'LessThan'", _ALERTS),
    Mutant("infra/alerts.bicep", "autoMitigate: true", "autoMitigate: false", _ALERTS),
    Mutant("infra/alerts.bicep", "actionGroups: [group.id]", "actionGroups: []", _ALERTS),
    Mutant("infra/alerts.bicep", "0.2 * Posts", "0.5 * Posts", _ALERTS),
    Mutant("infra/alerts.bicep", "0.05 * Rows", "0.5 * Rows", _ALERTS),
    Mutant("infra/alerts.bicep", '("rejected", "failed")', '("rejected")', _ALERTS),
    Mutant("infra/alerts.bicep", '"429"', '"503"', _ALERTS),
    Mutant("infra/alerts.bicep", "Posts >= 10", "Posts >= 1000", _ALERTS),
    Mutant("infra/alerts.bicep", "Max > 6 * 3600", "Max > 60 * 3600", _ALERTS),
    Mutant("infra/alerts.bicep", "Ticks == 0", "Ticks == 1", _ALERTS),
    Mutant("infra/alerts.bicep", "Least > 0", "Least > 1", _ALERTS),
    Mutant("infra/alerts.bicep", "ago(345m)", "ago(35m)", _ALERTS),
    Mutant("infra/alerts.bicep", '== "failed"', '== "canceled"', _ALERTS),
    Mutant("infra/alerts.bicep", "| where Max > 0", "| where Max > 1", _ALERTS),
    Mutant("infra/alerts.bicep", "Max >= 15 * 60", "Max >= 10 * 60", _ALERTS),
    Mutant("infra/app.bicep", "httpsOnly: true", "httpsOnly: false", _PROMISES),
    Mutant("infra/app.bicep", "    minTlsVersion: '1.2'", "    minTlsVersion: '1.0'", _PROMISES),
    Mutant("infra/app.bicep", "scmMinTlsVersion: '1.2'", "scmMinTlsVersion: '1.0'", _PROMISES),
    Mutant("infra/app.bicep", "ftpsState: 'Disabled'", "ftpsState: 'AllAllowed'", _PROMISES),
    Mutant("infra/app.bicep", "allow: false", "allow: true", _PROMISES),
    Mutant("infra/app.bicep", "perInstanceConcurrency: 4", "perInstanceConcurrency: 1", _PROMISES),
    Mutant("infra/app.bicep", "'RollingUpdate'", "'Recreate'", _PROMISES),
    Mutant(
        "infra/app.bicep", "name: 'FC1', tier: 'FlexConsumption'", "name: 'Y1', tier: 'Dynamic'", _PROMISES
    ),
    Mutant("infra/app.bicep", "version: '3.13'", "version: '3.11'", _TEMPLATES),
    Mutant(
        "infra/app.bicep",
        "maximumInstanceCount: maximumInstances",
        "maximumInstanceCount: instanceMemoryMB + maximumInstances",
        _PROMISES,
    ),
    Mutant(
        "infra/main.bicep",
        "AzureWebJobsStorage__credential: 'managedidentity'",
        "AzureWebJobsStorage__credential: 'key'",
        _TEMPLATES,
    ),
    Mutant(
        "infra/main.bicep", "param exportsPaused bool = false", "param exportsPaused bool = true", _TEMPLATES
    ),
    Mutant(
        "infra/main.bicep", "exportsPaused ? 'true' : 'false'", "exportsPaused ? 'false' : 'true'", _SETTINGS
    ),
    Mutant(
        "infra/main.bicep",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: 'httpx'",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: 'requests'",
        _SETTINGS,
    ),
    Mutant(
        "infra/main.bicep",
        "'ClientId=${identity.properties.clientId};Authorization=AAD'",
        "'Authorization=AAD'",
        _SETTINGS,
    ),
    Mutant("infra/main.bicep", "workers == 'queue'", "workers == 'timer'", _SETTINGS),
    Mutant(
        "infra/main.bicep",
        "QUEUE_URL: storage.outputs.queueUrl",
        "QUEUE_URL: storage.outputs.stateUrl",
        _SETTINGS,
    ),
    Mutant(
        "infra/main.bicep",
        "PYTHON_THREADPOOL_THREAD_COUNT: '8'",
        "PYTHON_THREADPOOL_THREAD_COUNT: '3'",
        _SETTINGS,
    ),
    Mutant("infra/main.bicep", "TIMER_TIME_BUDGET: '240'", "TIMER_TIME_BUDGET: '600'", _SETTINGS),
    Mutant(
        "infra/main.bicep",
        "param exportSchedule string = '0 * * * * *'",
        "param exportSchedule string = '0 0 * * * *'",
        _TEMPLATES,
    ),
    Mutant(
        "infra/main.bicep",
        "STATE_URL: storage.outputs.stateUrl\n      KEY",
        "STATE_URL: storage.outputs.deploymentUrl\n      KEY",
        _SETTINGS,
    ),
    Mutant("infra/main.bicep", "if (empty(keyVaultName))", "if (!empty(keyVaultName))", _PROMISES),
    Mutant("infra/main.bicep", "@minValue(30)", "@minValue(1)", _PROMISES),
    Mutant("infra/storage.bicep", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true", _PROMISES),
    Mutant("infra/storage.bicep", "allowBlobPublicAccess: false", "allowBlobPublicAccess: true", _PROMISES),
    Mutant("infra/storage.bicep", "isVersioningEnabled: true", "isVersioningEnabled: false", _PROMISES),
    Mutant(
        "infra/storage.bicep",
        "    deleteRetentionPolicy: { enabled: true",
        "    deleteRetentionPolicy: { enabled: false",
        _PROMISES,
    ),
    Mutant(
        "infra/storage.bicep",
        "    containerDeleteRetentionPolicy: { enabled: true",
        "    containerDeleteRetentionPolicy: { enabled: false",
        _PROMISES,
    ),
    Mutant("infra/storage.bicep", "${workQueue.name}-poison", "${workQueue.name}-failed", _TEMPLATES),
    Mutant(
        "infra/storage.bicep",
        "'${stateContainer.name}/work/'",
        "'${stateContainer.name}/exports/'",
        _TEMPLATES,
    ),
    Mutant("infra/storage.bicep", "'${stateContainer.name}/refreshed'\n", "", _TEMPLATES),
    Mutant(
        "infra/storage.bicep",
        "scope: poisonQueue\n  name: guid(poisonQueue.id",
        "scope: account\n  name: guid(account.id",
        _PROMISES,
    ),
    Mutant("infra/storage.bicep", "var daysKept = 30", "var daysKept = 3", _PROMISES),
    Mutant(
        "infra/storage.bicep",
        "daysAfterModificationGreaterThan: runsKeptDays",
        "daysAfterModificationGreaterThan: 1",
        _PROMISES,
    ),
    Mutant(
        "infra/storage.bicep",
        "  name: 'state'\n  properties: { publicAccess: 'None' }",
        "  name: 'state'\n  properties: { publicAccess: 'Blob' }",
        _PROMISES,
    ),
    Mutant(
        "infra/storage.bicep",
        "scope: account\n  name: guid(account.id",
        "scope: stateContainer\n  name: guid(stateContainer.id",
        _PROMISES,
    ),
    Mutant(
        "infra/segments.bicep",
        "scope: container\n  name: guid(container.id",
        "scope: account\n  name: guid(account.id",
        _PROMISES,
    ),
    Mutant("infra/vault.bicep", "enablePurgeProtection: true", "enablePurgeProtection: false", _PROMISES),
    Mutant("infra/vault.bicep", "softDeleteRetentionInDays: 90", "softDeleteRetentionInDays: 7", _PROMISES),
    Mutant("infra/vault.bicep", "enableRbacAuthorization: true", "enableRbacAuthorization: false", _PROMISES),
    Mutant(
        "infra/keys.bicep",
        "name: guid(vault.id, principalId, keyVaultSecretsUser)",
        "name: guid(vault.id, principalId, keyVaultSecretsOfficer)",
        _TEMPLATES,
    ),
    Mutant("infra/monitoring.bicep", "DisableLocalAuth: true", "DisableLocalAuth: false", _TEMPLATES),
    Mutant("infra/monitoring.bicep", "retentionInDays: 30", "retentionInDays: 730", _PROMISES),
]
