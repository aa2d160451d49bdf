"""Whether a deployed app lets somebody in who only says that they have signed in."""

import base64
import json
import sys

from shared.administration.checkup.finding import Finding
from shared.errors import InvalidSettings
from shared.settings import https_url

NOT_REACHED = "Check the address, and that the app runs: it begins with https and ends before /api."
SIGN_IN_OFF = "Turn the platform's sign-in with Microsoft Entra on, or set AUTH=key."
FORGED = "Stop the app, and turn its sign-in on before you start it again."
# Seconds for the whole answer; a cold start takes some of them.
PATIENCE = 60
# As the platform's sign-in writes it, with the role that may do everything.
_FORGED = {
    "auth_typ": "aad",
    "name_typ": "name",
    "role_typ": "roles",
    "claims": [{"typ": "roles", "val": "Administrator"}, {"typ": "name", "val": "forged by doctor"}],
}


def check_sign_in(url: str) -> Finding:
    """Asks the app who is calling, with a forged principal, no token and no key: it must not say.

    Raises InvalidSettings for what can't be the app's address.
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
            return Finding(name, "the sign-in is off, so that everything is refused", SIGN_IN_OFF)
        case status if status < 300:
            message = "a forged sign-in is believed: anybody can act as an administrator"
            return Finding(name, message, FORGED)
    return Finding(name, f"answers {answer.status_code}, not as the app does", NOT_REACHED)


def main(url: str) -> int:
    """This check alone, for a deployment from where the state can't be reached; 0 where all is well."""
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
