metadata description = 'Lets the app read the segments\' container, and nothing else in the account. Deployed to the account\'s group.'

@description('Storage account that Customer Insights exports to.')
param accountName string

@description('Container in that account.')
param containerName string

@description('Folder in that container, without a slash at either end. May be empty.')
param prefix string

@description('Object id of the app\'s identity.')
param principalId string

var storageBlobDataReader = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: accountName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: account
  name: 'default'
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: blobs
  name: containerName
}

resource appReadsSegments 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: container
  name: guid(container.id, principalId, storageBlobDataReader)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataReader)
  }
}

@description('Address of the container, with the folder.')
output url string = '${account.properties.primaryEndpoints.blob}${containerName}${empty(prefix) ? '' : '/${prefix}'}'

@description('Resource id of the account.')
output accountId string = account.id

@description('Azure region of the account.')
output location string = account.location
