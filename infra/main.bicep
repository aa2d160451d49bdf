metadata description = 'The export of Customer Insights segments to Klaviyo lists: a Functions app, its state and its vault.'

targetScope = 'resourceGroup'

@description('What an alert counts as too much. What is left out has its default.')
type thresholds = {
  @description('Hours for which an export may be behind: 6 by default. A tick each 10 minutes is enough to tell.')
  @minValue(1)
  @maxValue(6)
  behindHours: int?

  @description('Hours for which a run may be open: 6 by default.')
  @minValue(1)
  @maxValue(72)
  openHours: int?

  @description('Minutes without a tick of the timer: 15 by default, the shortest for a tick each 10 minutes.')
  silentMinutes: (15 | 30 | 45)?

  @description('Percent of an account\'s posts that may get 429 in an hour: 20 by default.')
  @minValue(1)
  @maxValue(99)
  throttledPercent: int?

  @description('Posts in an hour below which their share says nothing: 10 by default.')
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

@description('Name of this environment: part of every generated name, and the tag by which azd finds its resources.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region; it must offer Flex Consumption.')
param location string = resourceGroup().location

@description('Storage account that Customer Insights exports its segments to. It must exist.')
param segmentsAccountName string

@description('Container in that account. It must exist.')
param segmentsContainerName string

@description('Folder in that container under which the CustomerInsights_… folders lie; empty where they lie at its top.')
param segmentsPrefix string = ''

@description('Resource group of that account; empty for the one that is deployed to.')
param segmentsResourceGroupName string = ''

@description('Object id of the person or group who stores API keys and writes connections and exports; empty for nobody.')
param administratorId string = ''

@description('Vault that holds API keys already; empty for one of its own.')
param keyVaultName string = ''

@description('Resource group of that vault; empty for the one that is deployed to.')
param keyVaultResourceGroupName string = ''

@description('Address that alerts are mailed to; empty where others are added to the action group.')
param alertEmail string = ''

@description('Address that alerts are posted to, in Azure Monitor\'s common alert schema; empty for none. It is a secret where it has a key.')
@secure()
param alertWebhookUrl string = ''

@description('Address of a Teams channel\'s workflow that posts the cards that it is sent; empty for none. It is a secret.')
@secure()
param alertTeamsUrl string = ''

@description('From what numbers on alerts fire; what is left out has its default.')
param alertThresholds thresholds = {}

@description('Days that closed runs and their refused rows are kept.')
@minValue(30)
param runsKeptDays int = 365

@description('Days that the audit is kept: who changed what.')
@minValue(90)
param auditKeptDays int = 730

@description('When the timer looks for work: NCRONTAB with seconds, in UTC, each 10 minutes at least, since alerts count on it. What an export is due by stands in the export.')
param exportSchedule string = '0 * * * * *'

@description('Memory of an instance, in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('The most instances that calls over HTTP and workers may scale out to.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

@description('Who does the work: with queue, the timer hands it to workers, which scale out; with timer, the timer does it itself.')
@allowed(['timer', 'queue'])
param workers string = 'queue'

@description('Whether Event Grid tells the app of each refresh, so that exports start seconds after it; only where workers is queue.')
@allowed(['none', 'eventGrid'])
param refreshEvents string = 'none'

@description('With private, storage and vault are reached through a network of the app\'s own only.')
@allowed(['public', 'private'])
param network string = 'public'

@description('Addresses of that network: a /24, or larger, that no network has that it may be connected with.')
param networkAddressRange string = '10.20.0.0/24'

@description('Whether all exports stop before their next post.')
param exportsPaused bool = false

@description('Name of the secret with the address that is notified of failed runs and held removals; empty where none is.')
#disable-next-line secure-secrets-in-params // the name of a secret, not the secret
param notifySecret string = ''

@description('How callers over HTTP sign in: by a function key, or with Microsoft Entra, whose sign-in the app then needs.')
@allowed(['key', 'entra'])
param auth string = 'key'

@description('Where people reach the app; empty where that is its own host name.')
param publicUrl string = ''

@description('The id of your OAuth app at Klaviyo, for connections that people sign in to; its secret lies in the vault as klaviyo-client-secret, and the app needs Key Vault Secrets Officer.')
param klaviyoClientId string = ''

@description('How often the state is copied; regions differ in what they offer.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageRedundancy string = 'Standard_GRS'

var token = uniqueString(subscription().id, resourceGroup().id, environmentName)
var vaultName = empty(keyVaultName) ? 'kv-${token}' : keyVaultName
var tags = { 'azd-env-name': environmentName }
var isPrivate = network == 'private'
var withQueue = workers == 'queue'
var needsQueue = 'refreshEvents is eventGrid, which needs a queue: set workers to queue, or refreshEvents to none.'
var withEvents = refreshEvents == 'none' ? false : withQueue ? true : fail(needsQueue)
var segmentsGroupName = empty(segmentsResourceGroupName) ? resourceGroup().name : segmentsResourceGroupName

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${token}'
  location: location
  tags: tags
}

module segments 'segments.bicep' = {
  name: 'segments'
  scope: resourceGroup(segmentsGroupName)
  params: {
    accountName: segmentsAccountName
    containerName: segmentsContainerName
    prefix: segmentsPrefix
    principalId: identity.properties.principalId
  }
}

module storage 'storage.bicep' = {
  name: 'storage'
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    redundancy: storageRedundancy
    runsKeptDays: runsKeptDays
    auditKeptDays: auditKeptDays
    withQueue: withQueue
    isPrivate: isPrivate
    principalId: identity.properties.principalId
    administratorId: administratorId
  }
}

module vault 'vault.bicep' = if (empty(keyVaultName)) {
  name: 'vault'
  params: {
    name: vaultName
    location: location
    tags: tags
    isPrivate: isPrivate
  }
}

module keys 'keys.bicep' = {
  name: 'keys'
  scope: resourceGroup(empty(keyVaultResourceGroupName) ? resourceGroup().name : keyVaultResourceGroupName)
  dependsOn: [vault]
  params: {
    vaultName: vaultName
    principalId: identity.properties.principalId
    administratorId: administratorId
  }
}

module privateNetwork 'network.bicep' = if (isPrivate) {
  name: 'network'
  params: {
    name: token
    location: location
    tags: tags
    addressRange: networkAddressRange
    storageAccountId: storage.outputs.accountId
    withQueue: withQueue
    segmentsAccountId: segments.outputs.accountId
    vaultId: keys.outputs.vaultId
  }
}

module events 'events.bicep' = if (withEvents) {
  name: 'events'
  scope: resourceGroup(segmentsGroupName)
  params: {
    name: token
    location: segments.outputs.location
    tags: tags
    accountName: segmentsAccountName
    containerName: segmentsContainerName
    prefix: segmentsPrefix
    queueResourceGroupName: resourceGroup().name
    queueAccountName: storage.outputs.accountName
    queueName: storage.outputs.queueName
  }
}

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  params: {
    name: token
    location: location
    tags: tags
    principalId: identity.properties.principalId
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  params: {
    name: token
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    email: alertEmail
    webhookUrl: alertWebhookUrl
    teamsUrl: alertTeamsUrl
    limits: alertThresholds
  }
}

module workbook 'workbook.bicep' = {
  name: 'workbook'
  params: {
    environmentName: environmentName
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module app 'app.bicep' = {
  name: 'app'
  params: {
    name: token
    location: location
    tags: tags
    identityId: identity.id
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    deploymentUrl: storage.outputs.deploymentUrl
    subnetId: isPrivate ? privateNetwork!.outputs.appSubnetId : ''
    settings: {
      // Names the app in the host's storage: two apps with one name there would share the timer's lock.
      AzureFunctionsWebHost__hostid: token
      AzureWebJobsDisableHomepage: 'true'
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.properties.clientId
      AzureWebJobsStorage__blobServiceUri: storage.outputs.blobServiceUrl
      AzureWebJobsStorage__queueServiceUri: storage.outputs.queueServiceUrl
      APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
      // Each running function holds one: an instance has up to four calls (app.bicep) or messages (host.json) at once.
      PYTHON_THREADPOOL_THREAD_COUNT: '8'
      // A trace of a request holds its URL, and the app counts its posts itself.
      OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: 'httpx'
      AZURE_CLIENT_ID: identity.properties.clientId
      SEGMENTS_URL: segments.outputs.url
      STATE_URL: storage.outputs.stateUrl
      KEY_VAULT_URL: keys.outputs.url
      QUEUE_URL: storage.outputs.queueUrl
      KLAVIYO_URL: 'https://a.klaviyo.com'
      HTTP_TIME_BUDGET: '45'
      TIMER_TIME_BUDGET: '240'
      EXPORT_SCHEDULE: exportSchedule
      EXPORTS_PAUSED: exportsPaused ? 'true' : 'false'
      NOTIFY_SECRET: notifySecret
      AUTH: auth
      PUBLIC_URL: publicUrl
      KLAVIYO_CLIENT_ID: klaviyoClientId
    }
  }
}

@description('Name of the Functions app.')
output FUNCTION_APP_NAME string = app.outputs.name

@description('Address of the HTTP API.')
output FUNCTION_APP_URL string = app.outputs.url

@description('Name of the vault that the API keys go into.')
output KEY_VAULT_NAME string = vaultName

@description('The settings that the command segment-export needs to see what the app sees.')
output KEY_VAULT_URL string = keys.outputs.url

@description('Where the segments are.')
output SEGMENTS_URL string = segments.outputs.url

@description('Where connections, exports, heads and runs are.')
output STATE_URL string = storage.outputs.stateUrl

@description('The queue of work; blank where the timer does the work itself.')
output QUEUE_URL string = storage.outputs.queueUrl
