"""`serve` and `sandbox`: the local Functions host and the stand-in Klaviyo, in the foreground."""

import getpass
import os
import threading
from contextlib import suppress
from pathlib import Path

import click

from cli.terminal.output import print_line
from shared.administration.rights import Person, Role
from shared.errors import InvalidSettings
from shared.settings import Auth, Settings, auth_of

APP = Path(__file__).resolve().parent.parent
PORT = click.IntRange(0, 65_535)


def has_app() -> bool:
    """Whether the project's folder is here: a wheel contains no host.json."""
    return (APP / "host.json").is_file()


def check_app() -> None:
    """Raises UsageError unless the project's folder is here."""
    if not has_app():
        raise click.UsageError(
            "The functions run only from the project's folder, which is not installed here. Clone the "
            "repository, and run make demo ARGS=--stay there."
        )


@click.command()
@click.option("--port", type=PORT, default=7071, show_default=True, help="The port on 127.0.0.1.")
@click.option(
    "--differences", is_flag=True, help="Print how this host differs from the one in Azure, and exit."
)
@click.option(
    "--as",
    "role",
    type=click.Choice(["administrator", "contributor", "viewer"]),
    help="Act as a signed-in person with this role (AUTH=local).",
)
def serve(port: int, role: str | None, differences: bool) -> None:
    """Serve the functions on this machine, until Ctrl-C.

    The function key is FUNCTION_KEY (default: local). With --as, no key is needed, and anyone who can reach
    the port on this machine acts as that person. Settings come from the environment, then from
    local.settings.json.

    Example: segment-export serve --as administrator
    """
    from sandbox.functions_host import NOT_EMULATED, load_local_settings
    from sandbox.functions_host import serve as serve_host

    if differences:
        for each in NOT_EMULATED:
            print_line(f"Not emulated: {each}.")
        return
    check_app()
    load_local_settings(APP, os.environ)
    if role is not None:
        if auth_of(os.environ) is not Auth.LOCAL and "AUTH" in os.environ:
            raise click.UsageError("--as needs AUTH=local.")
        os.environ["AUTH"] = Auth.LOCAL.value
        play_role(Role(role))
    os.environ.setdefault("EXPORT_SCHEDULE", "0 * * * * *")
    try:
        Settings.from_environment()
    except InvalidSettings as error:
        print_line(f"The settings are not valid, so functions will fail or be missing: {error.message}")
    serve_host(APP, port, os.environ.get("FUNCTION_KEY", "local"), print_line)


def play_role(role: Role) -> None:
    """Sets the person who acts in this process if AUTH is local; no header and no setting can."""
    from shared.api.callers import play

    number = list(Role).index(role) + 1
    play(Person(getpass.getuser(), role, f"00000000-0000-4000-8000-{number:012}"))


@click.command()
@click.option(
    "--port", type=PORT, default=8080, show_default=True, help="The port on 127.0.0.1; 0 chooses a free one."
)
@click.option("--keep-attributes", is_flag=True, help="Keep the attributes of every profile, for inspection.")
def sandbox(port: int, keep_attributes: bool) -> None:
    """Serve a stand-in Klaviyo on this machine, until Ctrl-C.

    It has the account SNDBOX with the key pk_sandbox and the list Y6nRLr, the OAuth app sandbox-app with the
    secret sandbox-app-secret, and Klaviyo's rate limits.

    Example: segment-export sandbox --port 8080
    """
    from sandbox.klaviyo import StandIn, app
    from sandbox.serving import serving

    with suppress(KeyboardInterrupt):
        try:
            with serving(app(StandIn(keep_attributes=keep_attributes)), port=port) as url:
                print_line(f"Stand-in Klaviyo: KLAVIYO_URL={url}, key pk_sandbox, list Y6nRLr.")
                threading.Event().wait()
        except OSError as error:
            raise InvalidSettings(
                f"Port {port} can't be used: {error.strerror}. Choose another port with --port."
            ) from None
