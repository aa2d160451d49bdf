import { thresholds } from 'alerts.bicep'

metadata description = 'The export of Customer Insights segments to Klaviyo lists: a Functions app, its state and its vault.'

targetScope = 'resourceGroup'

// In the order in which one thinks of them: where, what runs there, who, who is told, how big.

@description('Name of this environment, such as production: a tag by which azd finds its resources. Another name makes an app of its own beside the first.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region, the group\'s own by default; it must offer Flex Consumption.')
param location string = resourceGroup().location

@description('Name of the storage account that Customer Insights exports its segments to, without .blob.core.windows.net. It must exist.')
@minLength(3)
@maxLength(24)
param segmentsAccountName string

@description('Name of the container in that account. It must exist.')
@minLength(3)
@maxLength(63)
param segmentsContainerName string

@description('Folder in that container under which the CustomerInsights_… folders lie, such as exports/klaviyo; empty where they lie at its top.')
param segmentsPrefix string = ''

@description('Resource group of that account; empty for the one that is deployed to.')
param segmentsResourceGroupName string = ''

@description('Address of the app\'s package, such as a release\'s file segment-export-1.0.0.zip: it must be readable without signing in. Empty to deploy the code afterwards.')
param packageUri string = ''

@description('How callers over HTTP sign in: by a function key, or with Microsoft Entra, which the page needs.')
@allowed(['key', 'entra'])
param auth string = 'key'

@description('Client id of the app registration that callers sign in to, which infra/sign_in.py makes; for entra only. Empty where the sign-in is set up in the portal: until then, the app refuses everything.')
param signInClientId string = ''

@description('Object id of the person or group who stores API keys and writes connections and exports from a terminal; empty for nobody.')
param administratorId string = ''

@description('Name of a vault that holds API keys already; empty for one of its own.')
@maxLength(24)
param keyVaultName string = ''

@description('Resource group of that vault; empty for the one that is deployed to.')
param keyVaultResourceGroupName string = ''

@description('Whether the app writes secrets: keys that administrators type, tokens of OAuth, its digest key. By default with entra and a vault of its own.')
param appWritesSecrets bool = auth == 'entra' && empty(keyVaultName)

@description('Address that alerts are mailed to; empty where others are added to the action group.')
param alertEmail string = ''

@description('Address that alerts are posted to, in Azure Monitor\'s common alert schema; empty for none. Who may read the action group sees it.')
@secure()
param alertWebhookUrl string = ''

@description('Address of the workflow of a Teams channel that posts the cards that it is sent; empty for none.')
@secure()
param alertTeamsUrl string = ''

@description('From what numbers on alerts fire; what is left out has its default.')
param alertThresholds thresholds = {}

@description('Name of the secret with the address that is notified of failed runs and held removals; empty where none is.')
#disable-next-line secure-secrets-in-params // the name of a secret, not the secret
param notifySecret string = ''

@description('Where people reach the app, such as https://exports.example.org; empty where that is its own host name.')
param publicUrl string = ''

@description('The id of your OAuth app at Klaviyo, for connections that people sign in to; its secret lies in the vault as klaviyo-client-secret, and the app must write secrets.')
param klaviyoClientId string = ''

@description('Whether all exports stop before their next post.')
param exportsPaused bool = false

@description('Who does the work: with queue, the timer hands it to workers, which scale out; with timer, the timer does it itself.')
@allowed(['timer', 'queue'])
param workers string = 'queue'

@description('When the timer looks for work: NCRONTAB with seconds, in UTC, each 10 minutes at least, since alerts count on it. What an export is due by stands in the export.')
param exportSchedule string = '0 * * * * *'

@description('Memory of an instance, in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('The most instances that calls over HTTP and workers may scale out to.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

@description('Whether Event Grid tells the app of each refresh, so that exports start seconds after it; only where workers is queue.')
@allowed(['none', 'eventGrid'])
param refreshEvents string = 'none'

@description('How storage and vault are reached: from the internet, by identity; or with private through a network of the app\'s own only.')
@allowed(['public', 'private'])
param network string = 'public'

@description('Addresses of that network, a /24 or larger: others than those of networks that it may be connected with.')
param networkAddressRange string = '10.20.0.0/24'

@description('Days that closed runs and their refused rows are kept.')
@minValue(30)
param runsKeptDays int = 365

@description('Days that the audit is kept: who changed what.')
@minValue(90)
param auditKeptDays int = 730

@description('How often the state is copied; regions differ in what they offer.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageRedundancy string = 'Standard_GRS'

var lettersAndDigits = 'abcdefghijklmnopqrstuvwxyz0123456789'

func hasOnly(text string, characters string) bool =>
  empty(filter(range(0, length(text)), at => !contains(characters, substring(text, at, 1))))

func isGuid(text string) bool =>
  length(text) == 36 && hasOnly(toLower(text), 'abcdef0123456789-') && length(split(text, '-')) == 5

func isHttps(text string) bool => startsWith(text, 'https://') && !contains(text, ' ')

// Azure would refuse these too, but some only after minutes, and none of them by the parameter's name.
var mistakes = [
  hasOnly(segmentsAccountName, lettersAndDigits)
    ? ''
    : 'segmentsAccountName has lower-case letters and digits only, such as mysegments.'
  hasOnly(segmentsContainerName, '${lettersAndDigits}-')
    ? ''
    : 'segmentsContainerName has lower-case letters, digits and hyphens only, such as exports.'
  startsWith(segmentsPrefix, '/') || endsWith(segmentsPrefix, '/')
    ? 'segmentsPrefix has no slash at either end, such as exports/klaviyo.'
    : ''
  empty(packageUri) || isHttps(packageUri) ? '' : 'packageUri begins with https://.'
  empty(administratorId) || isGuid(administratorId)
    ? ''
    : 'administratorId is an object id of Microsoft Entra, such as 00000000-0000-0000-0000-000000000000, and no name.'
  empty(signInClientId) || isGuid(signInClientId)
    ? ''
    : 'signInClientId is the client id of an app registration, such as 00000000-0000-0000-0000-000000000000.'
  hasOnly(toLower(keyVaultName), '${lettersAndDigits}-')
    ? ''
    : 'keyVaultName is the name of a vault, such as kv-keys, and no address.'
  empty(alertEmail) || contains(alertEmail, '@') ? '' : 'alertEmail is an address, such as operator@example.org.'
  hasOnly(toLower(notifySecret), '${lettersAndDigits}-')
    ? ''
    : 'notifySecret is the name of a secret, such as notify-url, and not the address.'
  empty(publicUrl) || (isHttps(publicUrl) && length(split(publicUrl, '/')) == 3)
    ? ''
    : 'publicUrl begins with https:// and ends after the host, such as https://exports.example.org.'
  refreshEvents == 'none' || workers == 'queue'
    ? ''
    : 'refreshEvents is eventGrid, and events go to a queue: set workers to queue, or refreshEvents to none.'
  parseCidr(networkAddressRange).cidr <= 24 ? '' : 'networkAddressRange is a /24 or larger, such as 10.20.0.0/24.'
  length(split(exportSchedule, ' ')) == 6 ? '' : 'exportSchedule has six fields, such as 0 * * * * *.'
]

// Of every name that is made: so a mistake ends the deployment before anything is.
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
        APP_WRITES_SECRETS: appWritesSecrets ? 'true' : 'false'
      },
      // Whose sign-ins the app believes, once the platform's sign-in is on.
      auth == 'entra' ? { WEBSITE_AUTH_AAD_ALLOWED_TENANTS: subscription().tenantId } : {},
      // The identity that proves to Entra who the app is: there is no secret.
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
