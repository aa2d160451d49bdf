// Every parameter chosen, most of them other than their default.
using '../main.bicep'

param environmentName = 'staging'
param location = 'northeurope'
param segmentsAccountName = 'mysegments'
param segmentsContainerName = 'exports'
param segmentsPrefix = 'customer-insights'
param segmentsResourceGroupName = 'segments-group'
param packageUri = 'https://example.org/segment-export-1.0.0.zip'
param administratorId = '00000000-0000-0000-0000-0000000000aa'
param keyVaultName = 'my-vault'
param keyVaultResourceGroupName = 'vault-group'
param alertEmail = 'operator@example.org'
param runsKeptDays = 90
param exportSchedule = '0 */5 * * * *'
param instanceMemoryMB = 4096
param maximumInstances = 100
param workers = 'queue'
param exportsPaused = true
param notifySecret = 'notify-url'
param auth = 'entra'
param signInClientId = '00000000-0000-0000-0000-0000000000c1'
param appWritesSecrets = true
param publicUrl = 'https://exports.example.org'
param klaviyoClientId = 'my-oauth-app'
param storageRedundancy = 'Standard_ZRS'
