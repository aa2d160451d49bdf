import { thresholds } from 'alerts.bicep'

metadata description = 'Exports Customer Insights segments to Klaviyo lists: a Functions app, its state and its vault.'

targetScope = 'resourceGroup'

// In the order of the choices: place, segments, code, sign-in, keys, alerts, work, size, network, retention.

@description('Name of this environment, such as production. azd finds its resources by this tag; a different name creates a second app next to the first.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region, by default that of the resource group. It must offer Flex Consumption.')
param location string = resourceGroup().location

@description('Name of the storage account that Customer Insights exports segments to, without .blob.core.windows.net. It must exist.')
@minLength(3)
@maxLength(24)
param segmentsAccountName string

@description('Name of the container in that account. It must exist.')
@minLength(3)
@maxLength(63)
param segmentsContainerName string

@description('Folder in that container that has the CustomerInsights_… folders, such as exports/klaviyo. Empty if they are at the top level.')
param segmentsPrefix string = ''

@description('Resource group of that account. Empty for the group that you deploy to.')
param segmentsResourceGroupName string = ''

@description('Address of the app\'s package, such as a release\'s file segment-export-1.0.0.zip. It must be readable without signing in. Empty to deploy the code afterwards.')
param packageUri string = ''

@description('How HTTP callers sign in: with a function key, or with Microsoft Entra, which the page needs.')
@allowed(['key', 'entra'])
param auth string = 'key'

@description('For entra only: client id of the app registration that infra/sign_in.py creates. Empty if you set up the sign-in in the portal; until you have, the app refuses every request.')
param signInClientId string = ''

@description('Object id of the person or group that stores API keys and writes connections and exports from a terminal. Empty for none.')
param administratorId string = ''

@description('Name of an existing vault for the API keys. Empty to create one.')
@maxLength(24)
param keyVaultName string = ''

@description('Resource group of that vault. Empty for the group that you deploy to.')
param keyVaultResourceGroupName string = ''

@description('Whether the app writes secrets: keys that administrators type, OAuth tokens, its digest key. By default, true with entra and its own vault.')
param appWritesSecrets bool = auth == 'entra' && empty(keyVaultName)

@description('Address to email alerts to. Empty for none.')
param alertEmail string = ''

@description('Address to post alerts to, in Azure Monitor\'s common alert schema. Empty for none. Readers of the action group can see it.')
@secure()
param alertWebhookUrl string = ''

@description('Address of the Teams channel\'s workflow that posts the cards it receives. Empty for none.')
@secure()
param alertTeamsUrl string = ''

@description('Thresholds of the alerts. Those that you leave out have their defaults.')
param alertThresholds thresholds = {}

@description('Name of the secret with the webhook\'s address for failed runs and held removals. Empty for none.')
#disable-next-line secure-secrets-in-params // the name of a secret, not the secret
param notifySecret string = ''

@description('Address where people reach the app, such as https://exports.example.org. Empty for the app\'s own host name.')
param publicUrl string = ''

@description('Id of your OAuth app at Klaviyo, for connections that people sign in to. Its secret must be in the vault as klaviyo-client-secret, and the app must write secrets.')
param klaviyoClientId string = ''

@description('Whether to stop every export before its next post.')
param exportsPaused bool = false

@description('What does the work: with queue, the timer hands it to workers, which scale out; with timer, the timer does it itself.')
@allowed(['timer', 'queue'])
param workers string = 'queue'

@description('When the timer looks for work: NCRONTAB with seconds, in UTC, at least every 10 minutes, because alerts depend on it. When an export is due is defined in the export.')
param exportSchedule string = '0 * * * * *'

@description('Memory of an instance, in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Maximum number of instances for HTTP calls and workers.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

@description('Whether Event Grid notifies the app of each refresh, so that exports start seconds after it. Needs workers to be queue.')
@allowed(['none', 'eventGrid'])
param refreshEvents string = 'none'

@description('How storage and vault are reached: from the internet, protected by identity (public); or only through the app\'s own network (private).')
@allowed(['public', 'private'])
param network string = 'public'

@description('Addresses of that network, a /24 or larger. They must not overlap with networks that you may connect to it.')
param networkAddressRange string = '10.20.0.0/24'

@description('Days to keep closed runs and their refused rows.')
@minValue(30)
param runsKeptDays int = 365

@description('Days to keep the audit of changes.')
@minValue(90)
param auditKeptDays int = 730

@description('Redundancy of the state. Not every region offers all of them.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageRedundancy string = 'Standard_GRS'

var lettersAndDigits = 'abcdefghijklmnopqrstuvwxyz0123456789'

func hasOnly(text string, characters string) bool =>
  empty(filter(range(0, length(text)), at => !contains(characters, substring(text, at, 1))))

func isGuid(text string) bool =>
  length(text) == 36 && hasOnly(toLower(text), 'abcdef0123456789-') && length(split(text, '-')) == 5

func isHttps(text string) bool => startsWith(text, 'https://') && !contains(text, ' ')

// Azure would also refuse these values, but some only after minutes, and never with the parameter's name.
var mistakes = [
  hasOnly(segmentsAccountName, lettersAndDigits)
    ? ''
    : 'segmentsAccountName must have only lowercase letters and digits, such as mysegments.'
  hasOnly(segmentsContainerName, '${lettersAndDigits}-')
    ? ''
    : 'segmentsContainerName must have only lowercase letters, digits and hyphens, such as exports.'
  startsWith(segmentsPrefix, '/') || endsWith(segmentsPrefix, '/')
    ? 'segmentsPrefix must not begin or end with a slash: write exports/klaviyo, for example.'
    : ''
  empty(packageUri) || isHttps(packageUri) ? '' : 'packageUri must begin with https://.'
  empty(administratorId) || isGuid(administratorId)
    ? ''
    : 'administratorId must be an object id of Microsoft Entra, such as 00000000-0000-0000-0000-000000000000, not a name.'
  empty(signInClientId) || isGuid(signInClientId)
    ? ''
    : 'signInClientId must be the client id of an app registration, such as 00000000-0000-0000-0000-000000000000.'
  hasOnly(toLower(keyVaultName), '${lettersAndDigits}-')
    ? ''
    : 'keyVaultName must be the name of a vault, such as kv-keys, not its address.'
  empty(alertEmail) || contains(alertEmail, '@')
    ? ''
    : 'alertEmail must be an email address, such as operator@example.org.'
  hasOnly(toLower(notifySecret), '${lettersAndDigits}-')
    ? ''
    : 'notifySecret must be the name of a secret, such as notify-url, not the address.'
  empty(publicUrl) || (isHttps(publicUrl) && length(split(publicUrl, '/')) == 3)
    ? ''
    : 'publicUrl must begin with https:// and end after the host, such as https://exports.example.org.'
  refreshEvents == 'none' || workers == 'queue'
    ? ''
    : 'refreshEvents needs a queue: set workers to queue, or refreshEvents to none.'
  parseCidr(networkAddressRange).cidr <= 24 ? '' : 'networkAddressRange must be a /24 or larger, such as 10.20.0.0/24.'
  length(split(exportSchedule, ' ')) == 6 ? '' : 'exportSchedule must have six fields, such as 0 * * * * *.'
]

// Part of every resource's name, so a mistake stops the deployment before it creates anything.
var token = empty(join(mistakes, ''))
  ? uniqueString(subscription().id, resourceGroup().id, environmentName)
  : fail(join(filter(mistakes, mistake => !empty(mistake)), ' '))
var vaultName = empty(keyVaultName) ? 'kv-${token}' : keyVaultName
var tags = { 'azd-env-name': environmentName }
var signsIn = auth == 'entra' && !empty(signInClientId)
var isPrivate = network == 'private'
var withQueue = workers == 'queue'
var segmentsGroupName = empty(segmentsResourceGroupName) ? resourceGroup().name : segmentsResourceGroupName

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${token}'
  location: location
  tags: tags
}

module segments 'segments.bicep' = {
  name: 'segments-${token}'
  scope: resourceGroup(segmentsGroupName)
  params: {
    accountName: segmentsAccountName
    containerName: segmentsContainerName
    prefix: segmentsPrefix
    principalId: identity.properties.principalId
  }
}

module storage 'storage.bicep' = {
  name: 'storage-${token}'
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
  name: 'vault-${token}'
  params: {
    name: vaultName
    location: location
    tags: tags
    isPrivate: isPrivate
  }
}

module keys 'keys.bicep' = {
  name: 'keys-${token}'
  scope: resourceGroup(empty(keyVaultResourceGroupName) ? resourceGroup().name : keyVaultResourceGroupName)
  dependsOn: [vault]
  params: {
    vaultName: vaultName
    principalId: identity.properties.principalId
    appWritesSecrets: appWritesSecrets
    administratorId: administratorId
  }
}

module privateNetwork 'network.bicep' = if (isPrivate) {
  name: 'network-${token}'
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

module events 'events.bicep' = if (refreshEvents == 'eventGrid') {
  name: 'events-${token}'
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
  name: 'monitoring-${token}'
  params: {
    name: token
    location: location
    tags: tags
    principalId: identity.properties.principalId
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts-${token}'
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
  name: 'workbook-${token}'
  params: {
    environmentName: environmentName
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module app 'app.bicep' = {
  name: 'app-${token}'
  params: {
    name: token
    location: location
    tags: tags
    identityId: identity.id
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    deploymentUrl: storage.outputs.deploymentUrl
    subnetId: isPrivate ? privateNetwork!.outputs.appSubnetId : ''
    settings: union(
      {
        // Identifies the app in the host's storage: two apps with the same id would share the timer's lock.
        AzureFunctionsWebHost__hostid: token
        AzureWebJobsDisableHomepage: 'true'
        AzureWebJobsStorage__credential: 'managedidentity'
        AzureWebJobsStorage__clientId: identity.properties.clientId
        AzureWebJobsStorage__blobServiceUri: storage.outputs.blobServiceUrl
        AzureWebJobsStorage__queueServiceUri: storage.outputs.queueServiceUrl
        APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
        PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
        // Each running function uses one: an instance has up to four calls (app.bicep) or messages (host.json) at once.
        PYTHON_THREADPOOL_THREAD_COUNT: '8'
        // A request's trace has its URL, and the app counts its posts itself.
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
        APP_WRITES_SECRETS: appWritesSecrets ? 'true' : 'false'
      },
      // The tenant whose sign-ins the app trusts, once the platform's sign-in is on.
      auth == 'entra' ? { WEBSITE_AUTH_AAD_ALLOWED_TENANTS: subscription().tenantId } : {},
      // The identity with which the app signs in to Entra, instead of a secret.
      signsIn ? { OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identity.properties.clientId } : {}
    )
  }
}

module signIn 'sign_in.bicep' = if (signsIn) {
  name: 'sign-in-${token}'
  params: {
    siteName: app.outputs.name
    clientId: signInClientId
  }
}

module code 'code.bicep' = if (!empty(packageUri)) {
  name: 'code-${token}'
  dependsOn: [signIn] // the site takes one change at a time
  params: {
    siteName: app.outputs.name
    packageUri: packageUri
  }
}

@description('Name of the Functions app.')
output FUNCTION_APP_NAME string = app.outputs.name

@description('Address of the HTTP API.')
output FUNCTION_APP_URL string = app.outputs.url

@description('Name of the vault for the API keys.')
output KEY_VAULT_NAME string = vaultName

@description('Address of the vault.')
output KEY_VAULT_URL string = keys.outputs.url

@description('Address of the segments.')
output SEGMENTS_URL string = segments.outputs.url

@description('Address of connections, exports, heads and runs.')
output STATE_URL string = storage.outputs.stateUrl

@description('Address of the work queue. Empty if the timer does the work itself.')
output QUEUE_URL string = storage.outputs.queueUrl
