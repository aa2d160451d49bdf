// Segments and API keys lie in other groups, the keys in a vault that exists.
using '../main.bicep'

param environmentName = 'production'
param segmentsAccountName = 'mysegments'
param segmentsContainerName = 'exports'
param segmentsResourceGroupName = 'segments-group'
param administratorId = '00000000-0000-0000-0000-0000000000aa'
param keyVaultName = 'my-vault'
param keyVaultResourceGroupName = 'vault-group'
