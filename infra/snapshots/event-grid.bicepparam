// An export starts seconds after its refresh.
using '../main.bicep'

param environmentName = 'production'
param segmentsAccountName = 'mysegments'
param segmentsContainerName = 'exports'
param refreshEvents = 'eventGrid'
