metadata description = 'The app\'s own storage: the Functions host\'s data, the deployed package, the state, and the work queue.'

@description('Name of the storage account.')
param name string

@description('Azure region.')
param location string

@description('Tags of the account.')
param tags object

@description('SKU, which sets the redundancy of the data.')
param redundancy string

@description('Days to keep closed runs and their refused rows.')
param runsKeptDays int

@description('Days to keep the audit.')
param auditKeptDays int

@description('Whether to create the work queue.')
param withQueue bool

@description('Whether only private endpoints and Azure\'s trusted services reach the account.')
param isPrivate bool

@description('Object id of the app\'s identity.')
param principalId string

@description('Object id of the person or group that writes connections and exports. Empty for none.')
param administratorId string

var storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var storageQueueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
var daysKept = 30

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: redundancy }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices' // Event Grid, for one
      // Flex Consumption has no address of its own to allow; without a network, identity protects the account.
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: true
    deleteRetentionPolicy: { enabled: true, days: daysKept }
    containerDeleteRetentionPolicy: { enabled: true, days: daysKept }
  }
}

resource deploymentContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'deployment'
  properties: { publicAccess: 'None' }
}

resource stateContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'state'
  properties: { publicAccess: 'None' }
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' = if (withQueue) {
  parent: account
  name: 'default'
}

resource workQueue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' = if (withQueue) {
  parent: queues
  name: 'work'
}

// The host puts messages here that have failed permanently. It would create the queue itself, but a role can
// only be assigned on a queue that exists.
resource poisonQueue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' = if (withQueue) {
  parent: queues
  name: '${workQueue.name}-poison'
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'forget-old-runs'
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['${stateContainer.name}/recent/', '${stateContainer.name}/runs/']
            }
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: runsKeptDays } } }
          }
        }
        // Append blobs, so they need their own rule. Only an intruder would rewrite one, so its versions
        // are kept as long.
        {
          name: 'forget-old-audit'
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['appendBlob'], prefixMatch: ['${stateContainer.name}/audit/'] }
            actions: {
              baseBlob: { delete: { daysAfterModificationGreaterThan: auditKeptDays } }
              version: { delete: { daysAfterCreationGreaterThan: auditKeptDays } }
            }
          }
        }
        // Not of documents: a version's age counts from when it was written, so a document that was valid for
        // years would be gone a day after it was overwritten. Every checkpoint and every tick leaves a version.
        {
          name: 'forget-old-versions'
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: [
                '${stateContainer.name}/heads/'
                '${stateContainer.name}/ledgers/'
                '${stateContainer.name}/locks/'
                '${stateContainer.name}/recent/'
                '${stateContainer.name}/refreshed'
                '${stateContainer.name}/runs/'
                '${stateContainer.name}/work/'
                '${deploymentContainer.name}/'
                'azure-webjobs-' // what the host creates itself
              ]
            }
            actions: { version: { delete: { daysAfterCreationGreaterThan: daysKept } } }
          }
        }
      ]
    }
  }
}

// On the whole account: the host keeps its locks, timer status and keys in containers that it creates itself.
resource appOwnsBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, principalId, storageBlobDataOwner)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataOwner)
  }
}

// On these two queues only: the host's trigger uses no other. It creates none, because both exist, and it
// measures the length of the one that it listens to. The roles Reader and Message Processor together are not
// enough: the host also releases messages that have failed, and writes them to the other queue.
resource appUsesWorkQueue 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (withQueue) {
  scope: workQueue
  name: guid(workQueue.id, principalId, storageQueueDataContributor)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageQueueDataContributor)
  }
}

resource appUsesPoisonQueue 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (withQueue) {
  scope: poisonQueue
  name: guid(poisonQueue.id, principalId, storageQueueDataContributor)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageQueueDataContributor)
  }
}

resource administratorOwnsState 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(administratorId)) {
  scope: stateContainer
  name: guid(stateContainer.id, administratorId, storageBlobDataOwner)
  properties: {
    principalId: administratorId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataOwner)
  }
}

@description('Resource id of the account.')
output accountId string = account.id

@description('Address of the blobs, for the Functions host.')
output blobServiceUrl string = account.properties.primaryEndpoints.blob

@description('Address of the container that packages are deployed to.')
output deploymentUrl string = '${account.properties.primaryEndpoints.blob}${deploymentContainer.name}'

@description('Address of the container of connections, exports, heads and runs.')
output stateUrl string = '${account.properties.primaryEndpoints.blob}${stateContainer.name}'

@description('Address of the queues, for the Functions host.')
output queueServiceUrl string = account.properties.primaryEndpoints.queue

@description('Name of the account.')
output accountName string = account.name

@description('Name of the work queue. Empty if there is none.')
output queueName string = withQueue ? workQueue.name : ''

@description('Address of the work queue. Empty if there is none.')
output queueUrl string = withQueue ? '${account.properties.primaryEndpoints.queue}${workQueue.name}' : ''
