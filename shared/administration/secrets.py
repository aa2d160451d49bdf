"""Secrets of connections: their names, and storing one together with the document that names it."""

import logging
import re
import secrets
from contextlib import suppress

from shared.administration.documents import Stored, read_connection, write
from shared.administration.rights import Person
from shared.catalog import Connection
from shared.errors import ExportError, NotFound
from shared.klaviyo import CLIENT_SECRET
from shared.ledger.key import SECRET_NAME as DIGEST_KEY_NAME
from shared.services import Services
from shared.settings import Settings

logger = logging.getLogger(__name__)

# The suffix is always new: in Key Vault, the name of a removed secret stays reserved for a while.
_WRITTEN = re.compile(r"([a-z0-9][a-z0-9-]{0,62})--(?:key|oauth)-[0-9a-f]{12}")

OTHERS_SECRET = "names a secret that belongs to the app or to another connection"  # noqa: S105 - a message


def new_name(connection_id: str) -> str:
    """A name that was never used, for the key of a connection."""
    return f"{connection_id}--key-{secrets.token_hex(6)}"


def new_oauth_name(connection_id: str) -> str:
    """The same for the tokens of a connection."""
    return f"{connection_id}--oauth-{secrets.token_hex(6)}"


def is_written_for(secret_name: str, connection_id: str) -> bool:
    """Whether the app itself wrote the secret, for this connection."""
    written = _WRITTEN.fullmatch(secret_name)
    return written is not None and written[1] == connection_id


def may_name(settings: Settings, secret_name: str, connection_id: str) -> bool:
    """Whether a connection may name a secret: neither one that the app itself uses, nor one that it wrote for
    another connection."""
    name = secret_name.lower()  # Key Vault is not case-sensitive
    written = _WRITTEN.fullmatch(name)
    own = (DIGEST_KEY_NAME, CLIENT_SECRET, (settings.notify_secret or "").lower())
    return name not in own and (written is None or written[1] == connection_id)


def remove_secret(services: Services, connection: Connection) -> None:
    """Removes a connection's secret from the vault, if the app wrote it. A failure is logged, not raised."""
    if is_written_for(connection.secret_name, connection.id):
        try:
            services.vault.remove(connection.secret_name)
        except ExportError as error:
            logger.warning(
                "the secret %s was not removed: %s: %s", connection.secret_name, error.code, error.message
            )


def write_with_secret(
    services: Services,
    by: Person,
    document: Connection,
    before: Stored[Connection] | None,
    secret: str | None,
) -> Stored[Connection]:
    """Stores a connection's secret, if the app keeps it, and writes the document that names it.

    Then removes the previous secret. After a failure, only the secret that the stored document names is left.
    """
    try:
        if secret is not None:
            services.vault.write(document.secret_name, secret)
        written = write(services, by, document, before)
    except BaseException:
        _settle(services, document, *([before.document] if before is not None else []))
        raise
    if before is not None:
        remove_secret(services, before.document)
    return written


def _settle(services: Services, *versions: Connection) -> None:
    """After a failure: removes the keys that the stored document does not name.

    A write whose answer was lost may have succeeded. If that can't be determined, every key stays.
    """
    named = ""
    try:
        with suppress(NotFound):
            named = read_connection(services, versions[0].id).document.secret_name
    except ExportError as error:
        logger.warning("unused keys of %s may remain: %s: %s", versions[0].id, error.code, error.message)
        return
    for version in versions:
        if version.secret_name != named:
            remove_secret(services, version)
