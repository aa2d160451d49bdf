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
param alertWebhookUrl = 'https://alerts.example.org/segments?key=made-up'
param alertTeamsUrl = 'https://teams.example.org/workflows/made-up?sig=made-up'
param alertThresholds = {
  behindHours: 2
  openHours: 12
  silentMinutes: 30
  throttledPercent: 50
  throttledPosts: 100
  refusedPercent: 1
  waitingMinutes: 60
}
param runsKeptDays = 90
param auditKeptDays = 400
param exportSchedule = '0 */5 * * * *'
param instanceMemoryMB = 4096
param maximumInstances = 100
param workers = 'queue'
param refreshEvents = 'eventGrid'
param network = 'private'
param networkAddressRange = '10.99.0.0/22'
param exportsPaused = true
param notifySecret = 'notify-url'
param auth = 'entra'
param signInClientId = '00000000-0000-0000-0000-0000000000c1'
param appWritesSecrets = true
param publicUrl = 'https://exports.example.org'
param klaviyoClientId = 'my-oauth-app'
param storageRedundancy = 'Standard_ZRS'
