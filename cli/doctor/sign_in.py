"""Checks that a deployed app refuses a forged sign-in."""

import base64
import json
import sys

from shared.administration.checkup.finding import Finding
from shared.errors import InvalidSettings
from shared.settings import https_url

NOT_REACHED = "Check that the app runs, and that the address starts with https and ends before /api."
SIGN_IN_OFF = "Turn on the platform's sign-in with Microsoft Entra, or set AUTH=key."
FORGED = "Stop the app, and turn on its sign-in before you start it again."
# Seconds for the whole response; a cold start takes some of them.
PATIENCE = 60
# As the platform's sign-in writes it, with the role that allows everything.
_FORGED = {
    "auth_typ": "aad",
    "name_typ": "name",
    "role_typ": "roles",
    "claims": [{"typ": "roles", "val": "Administrator"}, {"typ": "name", "val": "forged by doctor"}],
}


def check_sign_in(url: str) -> Finding:
    """Asks the app who is calling, with a forged principal, no token and no key: it must refuse.

    Raises InvalidSettings if the address can't be the app's.
    """
    import httpx

    address = https_url("--url", url).rstrip("/")
    headers = {"x-ms-client-principal": base64.b64encode(json.dumps(_FORGED).encode()).decode()}
    name = f"sign-in of {address}"
    try:
        answer = httpx.get(f"{address}/api/me", headers=headers, timeout=PATIENCE, follow_redirects=False)
    except httpx.HTTPError as error:
        return Finding(name, f"can't be reached ({type(error).__name__})", NOT_REACHED)
    match answer.status_code:
        case 401 | 403 | 302:
            return Finding(name, f"a forged sign-in is refused ({answer.status_code})")
        case 503:
            return Finding(name, "the sign-in is off, so the app refuses everything", SIGN_IN_OFF)
        case status if status < 300:
            message = "a forged sign-in is accepted: anyone can act as an administrator"
            return Finding(name, message, FORGED)
    return Finding(name, f"responds with {answer.status_code}, which is not the app's response", NOT_REACHED)


def main(url: str) -> int:
    """Only this check, for deployments that can't reach the state; returns 0 if nothing is wrong."""
    try:
        finding = check_sign_in(url)
    except InvalidSettings as error:
        finding = Finding(url, error.message, NOT_REACHED)
    sys.stderr.write(f"{finding.name}: {finding.message}\n")
    if finding.fix:
        sys.stderr.write(f"{finding.fix}\n")
    return 1 if finding.fix else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
