"""Creates the secret digest-key in a vault that has none: a second key would make every ledger unreadable.

azd runs it after it provisions. It creates the secret only if the vault answers that it does not exist; after
any other failure, the vault stays as it is. https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
"""

import argparse
import secrets
import sys
import time
from collections.abc import Callable, Sequence

from infra.az import AzError, Failed, run

NAME = "digest-key"
# A new role assignment takes a while: attempts, and seconds between them.
TRIES, PAUSE = 20, 15
# Errors that waiting does not end.
_LASTING = {"SecretDisabled", "ForbiddenByFirewall", "ForbiddenByConnection"}


def main(arguments: Sequence[str] | None = None, sleep: Callable[[float], None] = time.sleep) -> int:
    """Prints the outcome, or to stderr why there is no key and what helps. `sleep` takes seconds."""
    parser = argparse.ArgumentParser(prog="python -m infra.digest_key", description=__doc__)
    parser.add_argument("vault", help="the name of the vault: KEY_VAULT_NAME of azd's variables")
    vault = parser.parse_args(arguments).vault
    if not vault:
        parser.error("The vault's name is empty. Use KEY_VAULT_NAME of the deployment's outputs.")
    try:
        was_made = make(vault, sleep)
    except AzError as error:
        sys.stderr.write(f"{NAME} was not checked or created: {error}\n{_what_helps(error, vault)}\n")
        return 1
    sys.stdout.write(f"{NAME} {'was created' if was_made else 'already exists'} in {vault}.\n")
    return 0


def make(vault: str, sleep: Callable[[float], None]) -> bool:
    """Returns whether it created the secret. Waits up to five minutes for a role. Raises AzError."""
    for _ in range(TRIES):
        try:
            return _make(vault)
        except Failed as failed:
            if failed.code != "Forbidden" or failed.inner in _LASTING:
                raise
            sleep(PAUSE)
    return _make(vault)


def _make(vault: str) -> bool:
    # The query keeps the value out of az's output.
    secret = ("--vault-name", vault, "--name", NAME, "--query", "id")
    try:
        run("keyvault", "secret", "show", *secret)
    except Failed as failed:
        if failed.code != "SecretNotFound":
            raise
    else:
        return False
    run("keyvault", "secret", "set", *secret, "--value", secrets.token_hex(32))
    return True


def _what_helps(error: AzError, vault: str) -> str:
    secret = f"--vault-name {vault} --name {NAME}"
    match error:
        case Failed(inner="SecretDisabled"):
            return f"It is disabled. Enable it: az keyvault secret set-attributes {secret} --enabled true"
        case Failed(inner="ObjectIsDeletedButRecoverable"):
            return f"It was deleted, and ledgers need it. Recover it: az keyvault secret recover {secret}"
        case Failed(inner="ForbiddenByFirewall" | "ForbiddenByConnection"):
            return "The vault is closed to this machine. Create the secret as docs/network.md describes."
        case Failed(code="Forbidden"):
            return f"Get the role Key Vault Secrets Officer on {vault}, then run azd provision again."
    return (
        "Run azd provision again before the first export runs: without the key, each run sends all profiles."
    )


if __name__ == "__main__":
    sys.exit(main())
