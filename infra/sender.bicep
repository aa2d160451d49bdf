metadata description = 'Lets Event Grid put messages into the work queue. Deployed to the queue\'s group.'

@description('Storage account of the queue.')
param accountName string

@description('Name of the queue.')
param queueName string

@description('Object id of the topic\'s identity.')
param principalId string

var storageQueueDataMessageSender = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: accountName

  resource queues 'queueServices' existing = {
    name: 'default'

    resource queue 'queues' existing = {
      name: queueName
    }
  }
}

resource topicSendsMessages 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account::queues::queue
  name: guid(account::queues::queue.id, principalId, storageQueueDataMessageSender)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageQueueDataMessageSender)
  }
}

@description('Resource id of the account.')
output accountId string = account.id
