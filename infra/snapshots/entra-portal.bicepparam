// Callers sign in with Microsoft Entra, as somebody has set it up in the portal.
using '../main.bicep'

param environmentName = 'production'
param segmentsAccountName = 'mysegments'
param segmentsContainerName = 'exports'
param administratorId = '00000000-0000-0000-0000-0000000000aa'
param auth = 'entra'
