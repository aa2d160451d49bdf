# azd runs this before and after it provisions. With AUTH=entra, callers sign in to an app registration, which needs
# the app's address and identity.
set -e
[ "$AUTH" = entra ] || exit 0
: "${AZURE_SUBSCRIPTION_ID:?is not set. AUTH=entra needs it: azd env set AZURE_SUBSCRIPTION_ID <id>}"
: "${AZURE_RESOURCE_GROUP:?is not set. AUTH=entra needs it: azd env set AZURE_RESOURCE_GROUP <group>}"
client_id=$(.venv/bin/python -m infra.sign_in --environment "$AZURE_ENV_NAME" --resource-group "$AZURE_RESOURCE_GROUP" \
  --subscription "$AZURE_SUBSCRIPTION_ID" --client-id "$SIGN_IN_CLIENT_ID" --url "$PUBLIC_URL")
azd env set SIGN_IN_CLIENT_ID "$client_id"
