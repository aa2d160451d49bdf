metadata description = 'The Functions app on Flex Consumption.'

@description('What the names end in.')
param name string

@description('Azure region.')
param location string

@description('Tags of plan and app.')
param tags object

@description('Resource id of the app\'s identity.')
param identityId string

@description('Memory of an instance, in MB.')
param instanceMemoryMB int

@description('The most instances that calls over HTTP and workers may scale out to.')
param maximumInstances int

@description('Address of the container that packages are deployed to.')
param deploymentUrl string

@description('Resource id of the subnet that the app goes out through; empty where it goes out by itself.')
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
        // The queue has no entry here: host.json says how many messages an instance takes at once.
        // Reads of a run must not wait for, or start an instance beside, a call that is exporting.
        triggers: { http: { perInstanceConcurrency: 4 } }
      }
      // A deployment lets what is running come to its end (preview).
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
  dependsOn: [publishingOverFtp] // the site takes one change at a time
  name: 'scm'
  properties: { allow: false }
}

@description('Name of the app.')
output name string = site.name

@description('Address of the app.')
output url string = 'https://${site.properties.defaultHostName}'
