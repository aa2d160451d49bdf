metadata description = 'Who is told of what: an action group, and rules over the metrics that the app emits.'

@description('What the names end in.')
param name string

@description('Azure region.')
param location string

@description('Tags of group and rules.')
param tags object

@description('Resource id of the workspace that holds the metrics.')
param workspaceId string

@description('Address that alerts are mailed to; empty where others are to be added to the group.')
param email string

var operator = { name: 'operator', emailAddress: email, useCommonAlertSchema: true }

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'segments'
    enabled: true
    emailReceivers: empty(email) ? [] : [operator]
  }
}

// Each query returns what is wrong, one row for each export, account or secret, and nothing where all is well.
// A window is longer than the pause between two looks, since a metric takes minutes to arrive. A query with
// `ago` says itself how far it looks: Azure would show it two days.
var rules = [
  {
    name: 'behind'
    title: 'An export has been behind for six hours'
    severity: 1
    by: 'Export'
    every: 'PT15M'
    window: 'PT6H'
    query: '''
      AppMetrics
      | where Name == "segment_export.behind"
      | where TimeGenerated > ago(6h)
      | summarize First = min(TimeGenerated), Least = min(Max) by Export = tostring(Properties.export)
      | where Least > 0 and First < ago(345m)
    '''
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
    title: 'A run has been open for more than six hours'
    severity: 2
    by: 'Export'
    every: 'PT15M'
    window: 'PT30M'
    query: '''
      AppMetrics
      | where Name == "segment_export.open_run.age"
      | summarize arg_max(TimeGenerated, Max) by Export = tostring(Properties.export)
      | where Max > 6 * 3600
    '''
  }
  {
    name: 'silent'
    title: 'The timer has not ticked for 15 minutes'
    severity: 0
    by: ''
    every: 'PT5M'
    window: 'PT15M'
    query: '''
      AppMetrics
      | where Name == "segment_export.ticks"
      | summarize Ticks = count()
      | where Ticks == 0
    '''
  }
  {
    name: 'vault'
    title: 'The vault has refused an API key'
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
    title: 'Klaviyo has answered more than a fifth of an account\'s posts with 429'
    severity: 3
    by: 'Account'
    every: 'PT15M'
    window: 'PT1H'
    query: '''
      AppMetrics
      | where Name == "segment_export.posts"
      | summarize Posts = sum(Sum), Throttled = sumif(Sum, tostring(Properties.status) == "429")
          by Account = tostring(Properties.account)
      | where Posts >= 10 and Throttled > 0.2 * Posts
    '''
  }
  {
    name: 'refused'
    title: 'More than a twentieth of an export\'s rows were refused'
    severity: 2
    by: 'Export'
    every: 'PT15M'
    window: 'PT1H'
    query: '''
      AppMetrics
      | where Name == "segment_export.profiles"
      | summarize Rows = sum(Sum), Refused = sumif(Sum, tostring(Properties.outcome) in ("rejected", "failed"))
          by Export = tostring(Properties.export)
      | where Refused > 0.05 * Rows
    '''
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
    title: 'A message of the queue has failed for good'
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
    title: 'An account has waited for a worker for 15 minutes'
    severity: 1
    by: 'Account'
    every: 'PT15M'
    window: 'PT30M'
    query: '''
      AppMetrics
      | where Name == "segment_export.account.wait"
      | summarize arg_max(TimeGenerated, Max) by Account = tostring(Properties.account)
      | where Max >= 15 * 60
    '''
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
      // The first deployment comes before the first metric, and with it the table.
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
