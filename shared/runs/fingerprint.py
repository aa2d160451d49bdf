"""A fingerprint of an export's configuration, which shows whether it was changed."""

from hashlib import blake2b

from shared.errors import ExportError, NotFound
from shared.klaviyo import CLIENT_SECRET
from shared.services import Services


def fingerprint(services: Services, export_id: str) -> str:
    """A digest over the export's and the connection's documents and the API key.

    With OAuth, tokens change automatically and don't count; a new sign-in changes the document, and the OAuth
    app's own secret counts as the key.

    It is 8 bytes long, too short to reveal anything about a key. Parts that can't be read count as absent.
    """
    digest = blake2b(digest_size=8)
    digest.update(_etag(services, f"exports/{export_id}.json"))
    try:
        connection = services.catalog.connection(services.catalog.export(export_id).connection)
        digest.update(_etag(services, f"connections/{connection.id}.json"))
        name = CLIENT_SECRET if connection.sign_in == "oauth" else connection.secret_name
        digest.update(services.vault.secret(name).encode())
    except ExportError as error:
        digest.update(error.code.encode())
    return digest.hexdigest()


def _etag(services: Services, name: str) -> bytes:
    try:
        return services.state.stat(name).etag.encode()
    except NotFound:
        return b""
