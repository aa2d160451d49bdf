metadata description = 'Notifies the app of each new model.json, seconds after a refresh. Deployed to the group of the segments\' account.'

@description('Suffix of the topic\'s name.')
param name string

@description('Azure region of the account.')
param location string

@description('Tags of the topic.')
param tags object

@description('Storage account that Customer Insights exports to.')
param accountName string

@description('Container in that account.')
param containerName string

@description('Folder in that container, without a slash at either end. May be empty.')
param prefix string

@description('Resource group of the queue.')
param queueResourceGroupName string

@description('Storage account of the queue.')
param queueAccountName string

@description('Name of the queue.')
param queueName string

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: accountName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgt-${name}'
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    source: account.id
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

module sender 'sender.bicep' = {
  name: 'sender-${name}'
  scope: resourceGroup(queueResourceGroupName)
  params: {
    accountName: queueAccountName
    queueName: queueName
    principalId: topic.identity.principalId
  }
}

// After the role: a topic without the right to send would drop the first events.
resource refreshed 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'refreshed'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      subjectBeginsWith: '/blobServices/default/containers/${containerName}/${empty(prefix) ? '' : 'blobs/${prefix}/'}'
      subjectEndsWith: '/model.json'
    }
    deliveryWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      destination: {
        endpointType: 'StorageQueue'
        properties: {
          resourceId: sender.outputs.accountId
          queueName: queueName
          queueMessageTimeToLiveInSeconds: 3600
        }
      }
    }
    // After the next ticks, an event has no news.
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 60 }
  }
}
