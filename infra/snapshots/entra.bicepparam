// Callers sign in with Microsoft Entra.
using '../main.bicep'

param environmentName = 'production'
param segmentsAccountName = 'mysegments'
param segmentsContainerName = 'exports'
param administratorId = '00000000-0000-0000-0000-0000000000aa'
param auth = 'entra'
param signInClientId = '00000000-0000-0000-0000-0000000000c1'
