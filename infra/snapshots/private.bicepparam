// A network of the app's own, without a queue.
using '../main.bicep'

param environmentName = 'production'
param segmentsAccountName = 'mysegments'
param segmentsContainerName = 'exports'
param workers = 'timer'
param network = 'private'
