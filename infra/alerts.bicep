metadata description = 'Alerts: an action group, and rules over the metrics that the app emits.'

@description('Thresholds of the alerts. Those that are left out have their defaults.')
@export()
type thresholds = {
  @description('Hours for which an export may be behind: 6 by default. Needs a tick at least every 10 minutes.')
  @minValue(1)
  @maxValue(6)
  behindHours: int?

  @description('Hours for which a run may be open: 6 by default.')
  @minValue(1)
  @maxValue(72)
  openHours: int?

  @description('Minutes without a tick of the timer: 15 by default, the minimum for a tick every 10 minutes.')
  silentMinutes: (15 | 30 | 45)?

  @description('Percent of an account\'s posts that may get 429 in an hour: 20 by default.')
  @minValue(1)
  @maxValue(99)
  throttledPercent: int?

  @description('Posts in an hour below which their share does not count: 10 by default.')
  @minValue(1)
  @maxValue(10000)
  throttledPosts: int?

  @description('Percent of an export\'s rows that may be refused in an hour: 5 by default.')
  @minValue(1)
  @maxValue(99)
  refusedPercent: int?

  @description('Minutes for which an account may wait for a worker: 15 by default.')
  @minValue(5)
  @maxValue(240)
  waitingMinutes: int?
}

@description('Suffix of the names.')
param name string

@description('Azure region.')
param location string

@description('Tags of the resources.')
param tags object

@description('Resource id of the workspace with the metrics.')
param workspaceId string

@description('Address to email alerts to. Empty for none.')
param email string

@description('Address to post alerts to, as JSON. Empty for none.')
@secure()
param webhookUrl string

@description('Address of the Teams channel\'s workflow that posts cards. Empty for none.')
@secure()
param teamsUrl string

@description('Thresholds of the alerts.')
param limits thresholds

var behindHours = limits.?behindHours ?? 6
var openHours = limits.?openHours ?? 6
var silentMinutes = limits.?silentMinutes ?? 15
var throttledPercent = limits.?throttledPercent ?? 20
var throttledPosts = limits.?throttledPosts ?? 10
var refusedPercent = limits.?refusedPercent ?? 5
var waitingMinutes = limits.?waitingMinutes ?? 15

// A channel accepts cards, not alerts as Azure Monitor sends them. The channel's address is the only secret, so
// no connection has to sign in; the history of runs shows neither the address nor an alert.
resource teams 'Microsoft.Logic/workflows@2019-05-01' = if (!empty(teamsUrl)) {
  name: 'logic-${name}'
  location: location
  tags: tags
  properties: {
    definition: loadJsonContent('teams.json')
    parameters: { channel: { value: teamsUrl } }
  }
}

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'segments'
    enabled: true
    emailReceivers: empty(email) ? [] : [{ name: 'operator', emailAddress: email, useCommonAlertSchema: true }]
    webhookReceivers: empty(webhookUrl) ? [] : [{ name: 'webhook', serviceUri: webhookUrl, useCommonAlertSchema: true }]
    logicAppReceivers: empty(teamsUrl)
      ? []
      : [
          {
            name: 'teams'
            resourceId: teams.id
            #disable-next-line use-resource-symbol-reference // the symbol compiles into a name that Azure may not resolve
            callbackUrl: listCallbackUrl('${teams.id}/triggers/alert', '2019-05-01').value
            useCommonAlertSchema: true
          }
        ]
  }
}

// Each query returns one row for each export, account or secret that has the problem, and none if all is well.
// A window is longer than the time between two evaluations, because a metric takes minutes to arrive. A query
// that uses `ago` limits its own time range: Azure would give it two days.
var rules = [
  {
    name: 'behind'
    title: 'An export has been behind for ${behindHours} hours'
    severity: 1
    by: 'Export'
    every: 'PT15M'
    window: 'PT${behindHours}H'
    query: format(
      '''
      AppMetrics
      | where Name == "segment_export.behind"
      | where TimeGenerated > ago({0}h)
      | summarize First = min(TimeGenerated), Least = min(Max) by Export = tostring(Properties.export)
      | where Least > 0 and First < ago({1}m)
    ''',
      behindHours,
      60 * behindHours - 15 // ticks are at most 10 minutes apart, so one is in the first 15
    )
  }
  {
    name: 'failed'
    title: 'A run has failed'
    severity: 1
    by: 'Export'
    every: 'PT15M'
    window: 'PT30M'
    query: '''
      AppMetrics
      | where Name == "segment_export.runs" and tostring(Properties.status) == "failed"
      | summarize Runs = sum(Sum) by Export = tostring(Properties.export)
    '''
  }
  {
    name: 'open'
    title: 'A run has been open for more than ${openHours} hours'
    severity: 2
    by: 'Export'
    every: 'PT15M'
    window: 'PT30M'
    query: format(
      '''
      AppMetrics
      | where Name == "segment_export.open_run.age"
      | summarize arg_max(TimeGenerated, Max) by Export = tostring(Properties.export)
      | where Max > {0} * 3600
    ''',
      openHours
    )
  }
  {
    // Before the first metric, the table may not exist: that is silence too.
    name: 'silent'
    title: 'The timer has not ticked for ${silentMinutes} minutes'
    severity: 0
    by: ''
    every: 'PT5M'
    window: 'PT${silentMinutes}M'
    query: '''
      union isfuzzy=true AppMetrics, (datatable(TimeGenerated: datetime, Name: string)[])
      | where Name == "segment_export.ticks"
      | summarize Ticks = count()
      | where Ticks == 0
    '''
  }
  {
    name: 'vault'
    title: 'The vault has denied access to an API key'
    severity: 1
    by: 'Secret'
    every: 'PT15M'
    window: 'PT30M'
    query: '''
      AppMetrics
      | where Name == "segment_export.vault.refusals"
      | summarize Refusals = sum(Sum) by Secret = tostring(Properties.secret)
    '''
  }
  {
    name: 'throttled'
    title: 'Klaviyo has answered more than ${throttledPercent} % of an account\'s posts with 429'
    severity: 3
    by: 'Account'
    every: 'PT15M'
    window: 'PT1H'
    query: format(
      '''
      AppMetrics
      | where Name == "segment_export.posts"
      | summarize Posts = sum(Sum), Throttled = sumif(Sum, tostring(Properties.status) == "429")
          by Account = tostring(Properties.account)
      | where Posts >= {0} and 100 * Throttled > {1} * Posts
    ''',
      throttledPosts,
      throttledPercent
    )
  }
  {
    name: 'refused'
    title: 'More than ${refusedPercent} % of an export\'s rows were refused'
    severity: 2
    by: 'Export'
    every: 'PT15M'
    window: 'PT1H'
    query: format(
      '''
      AppMetrics
      | where Name == "segment_export.profiles"
      | summarize Rows = sum(Sum), Refused = sumif(Sum, tostring(Properties.outcome) in ("rejected", "failed"))
          by Export = tostring(Properties.export)
      | where 100 * Refused > {0} * Rows
    ''',
      refusedPercent
    )
  }
  {
    name: 'unusual'
    title: 'A run has exceeded a threshold of its export'
    severity: 2
    by: 'Export'
    every: 'PT15M'
    window: 'PT1H'
    query: '''
      AppMetrics
      | where Name == "segment_export.alerts"
      | summarize Warnings = sum(Sum) by Export = tostring(Properties.export)
    '''
  }
  {
    name: 'poison'
    title: 'A message of the queue has failed permanently'
    severity: 1
    by: ''
    every: 'PT15M'
    window: 'PT30M'
    query: '''
      AppMetrics
      | where Name == "segment_export.messages.poisoned"
      | summarize arg_max(TimeGenerated, Max)
      | where Max > 0
    '''
  }
  {
    name: 'waiting'
    title: 'An account has waited for a worker for ${waitingMinutes} minutes'
    severity: 1
    by: 'Account'
    every: 'PT15M'
    window: 'PT30M'
    query: format(
      '''
      AppMetrics
      | where Name == "segment_export.account.wait"
      | summarize arg_max(TimeGenerated, Max) by Account = tostring(Properties.account)
      | where Max >= {0} * 60
    ''',
      waitingMinutes
    )
  }
]

resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in rules: {
    name: 'alert-${rule.name}-${name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.title
      description: 'What to do: docs/runbook.md, "${rule.name}".'
      severity: rule.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: rule.every
      windowSize: rule.window
      autoMitigate: true
      // At the first deployment the table does not exist yet: the first metric creates it.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            dimensions: empty(rule.by) ? [] : [{ name: rule.by, operator: 'Include', values: ['*'] }]
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [group.id] }
    }
  }
]
