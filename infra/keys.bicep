metadata description = 'Rights on the API keys: the app reads them, and writes some if allowed; an administrator stores them. Deployed to the vault\'s group.'

@description('Name of the vault.')
param vaultName string

@description('Object id of the app\'s identity.')
param principalId string

@description('Whether the app also writes secrets.')
param appWritesSecrets bool

@description('Object id of the person or group that stores API keys. Empty for none.')
param administratorId string

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var keyVaultSecretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
var appRole = appWritesSecrets ? keyVaultSecretsOfficer : keyVaultSecretsUser

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource appUsesKeys 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, principalId, appRole)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', appRole)
  }
}

resource administratorStoresKeys 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(administratorId)) {
  scope: vault
  name: guid(vault.id, administratorId, keyVaultSecretsOfficer)
  properties: {
    principalId: administratorId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsOfficer)
  }
}

@description('Address of the vault.')
output url string = vault.properties.vaultUri

@description('Resource id of the vault.')
output vaultId string = vault.id
