metadata description = 'A vault for the API keys, unless an existing one is used.'

@description('Name of the vault.')
param name string

@description('Azure region.')
param location string

@description('Tags of the vault.')
param tags object

@description('Whether only private endpoints and Azure\'s trusted services reach the vault.')
param isPrivate bool

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      // Flex Consumption has no address of its own to allow; without a network, identity protects the vault.
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}
