metadata description = 'The operator\'s workbook over the metrics that the app emits.'

@description('Name of the environment, for the workbook\'s title.')
param environmentName string

@description('Azure region.')
param location string

@description('Tags of the workbook.')
param tags object

@description('Resource id of the workspace with the metrics.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspaceId, 'segment-export')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Segment exports (${environmentName})'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: loadTextContent('workbook.json')
  }
}
