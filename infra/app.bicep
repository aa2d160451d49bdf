metadata description = 'The Functions app on Flex Consumption.'

@description('Suffix of the names.')
param name string

@description('Azure region.')
param location string

@description('Tags of the resources.')
param tags object

@description('Resource id of the app\'s identity.')
param identityId string

@description('Memory of an instance, in MB.')
param instanceMemoryMB int

@description('Maximum number of instances for HTTP calls and workers.')
param maximumInstances int

@description('Address of the container that packages are deployed to.')
param deploymentUrl string

@description('Resource id of the subnet for the app\'s outbound traffic. Empty for none.')
param subnetId string

@description('The app settings, by name.')
param settings object

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource site 'Microsoft.Web/sites@2025-03-01' = {
  name: 'func-${name}'
  location: location
  tags: union(tags, { 'azd-service-name': 'export' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    outboundVnetRouting: empty(subnetId) ? null : { allTraffic: true }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      ftpsState: 'Disabled'
      appSettings: [for setting in items(settings): { name: setting.key, value: setting.value }]
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'python', version: '3.13' }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstances
        // The queue has no entry here: host.json sets how many messages an instance takes at once.
        // A call that reads a run must not wait for a call that exports, or start another instance because of it.
        triggers: { http: { perInstanceConcurrency: 4 } }
      }
      // During a deployment, running calls finish first (preview).
      #disable-next-line BCP037 // documented, but missing from Bicep's types
      siteUpdateStrategy: { type: 'RollingUpdate' }
    }
  }
}

resource publishingOverFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: site
  name: 'ftp'
  properties: { allow: false }
}

resource publishingOverScm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: site
  dependsOn: [publishingOverFtp] // the site accepts one change at a time
  name: 'scm'
  properties: { allow: false }
}

@description('Name of the app.')
output name string = site.name

@description('Address of the app.')
output url string = 'https://${site.properties.defaultHostName}'
