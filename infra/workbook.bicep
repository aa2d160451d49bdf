metadata description = 'What the operator looks at: a workbook over the metrics that the app emits.'

@description('Name of the environment, as the workbook\'s title shows it.')
param environmentName string

@description('Azure region.')
param location string

@description('Tags of the workbook.')
param tags object

@description('Resource id of the workspace that holds the metrics.')
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
