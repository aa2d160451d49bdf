metadata description = 'The app\'s code, from a package that includes its dependencies. Deployed after the app\'s roles and settings.'

@description('Name of the Functions app.')
param siteName string

@description('Address of the package; Azure reads it without signing in.')
param packageUri string

resource site 'Microsoft.Web/sites@2025-03-01' existing = {
  name: siteName
}

resource package 'Microsoft.Web/sites/extensions@2025-03-01' = {
  parent: site
  name: 'onedeploy'
  #disable-next-line BCP187 // documented, but missing from Bicep's types
  properties: {
    packageUri: packageUri
    remoteBuild: false
  }
}
