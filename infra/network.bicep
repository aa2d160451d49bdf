metadata description = 'The app\'s own network: one way out, and private endpoints for all that it stores and reads.'

@description('Suffix of the names.')
param name string

@description('Azure region.')
param location string

@description('Tags of the resources.')
param tags object

@description('Addresses of the network, in CIDR notation, /24 or larger.')
param addressRange string

@description('Resource id of the app\'s own storage account.')
param storageAccountId string

@description('Whether the app uses queues of that account.')
param withQueue bool

@description('Resource id of the storage account that Customer Insights exports to.')
param segmentsAccountId string

@description('Resource id of the vault.')
param vaultId string

// The kinds of services behind endpoints: each has its own DNS names.
var kinds = withQueue ? ['blob', 'vault', 'queue'] : ['blob', 'vault']
var zoneNames = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  queue: 'privatelink.queue.${environment().suffixes.storage}'
  vault: 'privatelink${replace(environment().suffixes.keyvaultDns, '.vault.', '.vaultcore.')}'
}
var always = [
  { name: 'state', kind: 'blob', id: storageAccountId }
  { name: 'segments', kind: 'blob', id: segmentsAccountId }
  { name: 'vault', kind: 'vault', id: vaultId }
]
var targets = withQueue ? concat(always, [{ name: 'queues', kind: 'queue', id: storageAccountId }]) : always

resource outboundAddress 'Microsoft.Network/publicIPAddresses@2025-05-01' = {
  name: 'pip-${name}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIPAllocationMethod: 'Static' }
}

// The only way to Klaviyo, Microsoft Entra and Azure Monitor: subnets have no outbound access by themselves.
resource wayOut 'Microsoft.Network/natGateways@2025-05-01' = {
  name: 'ng-${name}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: { publicIpAddresses: [{ id: outboundAddress.id }] }
}

resource net 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: 'vnet-${name}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressRange] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressRange, 25, 0)
          defaultOutboundAccess: false
          natGateway: { id: wayOut.id }
          delegations: [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressRange, 25, 1)
          defaultOutboundAccess: false
        }
      }
    ]
  }

  resource appSubnet 'subnets' existing = {
    name: 'app'
  }

  resource endpointSubnet 'subnets' existing = {
    name: 'endpoints'
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for kind in kinds: {
    name: zoneNames[kind]
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (kind, number) in kinds: {
    parent: zones[number]
    name: 'link-${name}'
    location: 'global'
    tags: tags
    properties: {
      virtualNetwork: { id: net.id }
      registrationEnabled: false
      // Accounts that have private endpoints elsewhere, but none here, stay reachable by their public addresses.
      resolutionPolicy: 'NxDomainRedirect'
    }
  }
]

// One after another: Azure can refuse two at once, on one account or in one subnet, as in progress.
@batchSize(1)
resource endpoints 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for target in targets: {
    name: 'pep-${target.name}-${name}'
    location: location
    tags: tags
    properties: {
      subnet: { id: net::endpointSubnet.id }
      customNetworkInterfaceName: 'nic-${target.name}-${name}'
      privateLinkServiceConnections: [
        {
          name: target.name
          properties: { privateLinkServiceId: target.id, groupIds: [target.kind] }
        }
      ]
    }
  }
]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (target, number) in targets: {
    parent: endpoints[number]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: target.kind
          properties: { privateDnsZoneId: zones[indexOf(kinds, target.kind)].id }
        }
      ]
    }
  }
]

@description('Resource id of the subnet for the app\'s outbound traffic.')
output appSubnetId string = net::appSubnet.id
