// The timer does the work itself: no queue.
using '../main.bicep'

param environmentName = 'production'
param segmentsAccountName = 'mysegments'
param segmentsContainerName = 'exports'
param workers = 'timer'
