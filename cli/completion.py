"""What the Tab key suggests for names from the state, the segments' store or Klaviyo."""

from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches

import click
from click.shell_completion import CompletionItem

from shared import state
from shared.adapters.clock import Deadline
from shared.adapters.storage import open_store
from shared.errors import ExportError
from shared.segments import Segments
from shared.services import Services, open_account
from shared.settings import Settings

# Seconds to wait for a suggestion.
PATIENCE = 5


def ids_in(folder: str, beginning: str) -> list[CompletionItem]:
    """The ids of the documents in a folder of the state."""
    found: list[str] = []
    with suppress(ExportError):
        store = open_store(Settings.from_environment().state_url)
        found = [each for blob in store.list(f"{folder}{beginning}") if (each := state.id_of(blob.name))]
    return [CompletionItem(each) for each in found if each.isprintable()]


FOLDERS = {"unknown_export": state.EXPORTS, "unknown_connection": state.CONNECTIONS}


def closest_id(code: str, typed: str) -> str | None:
    """The existing id that is closest to the typed one, if the code is that of an unknown id."""
    ids = [each.value for each in ids_in(FOLDERS[code], "")] if code in FOLDERS else []
    return next(iter(get_close_matches(typed, ids, n=1)), None)


def complete_exports(_: click.Context, __: click.Parameter, beginning: str) -> list[CompletionItem]:
    return ids_in(state.EXPORTS, beginning)


def complete_connections(_: click.Context, __: click.Parameter, beginning: str) -> list[CompletionItem]:
    return ids_in(state.CONNECTIONS, beginning)


def complete_segments(_: click.Context, __: click.Parameter, beginning: str) -> list[CompletionItem]:
    found: list[str] = []
    with suppress(ExportError):
        settings = Settings.from_environment()
        found = Segments(open_store(settings.segments_url), settings.segments_prefix).names()
    return _like(found, beginning)


def complete_lists(context: click.Context, _: click.Parameter, beginning: str) -> list[CompletionItem]:
    """The ids and names of the lists of the typed connection, or else of the first one."""
    with suppress(ExportError):
        return list(_lists(context.params.get("connection"), beginning))
    return []


def _lists(connection: str | None, beginning: str) -> Iterator[CompletionItem]:
    with Services.from_settings(Settings.from_environment()) as services:
        connection = connection or next((item.value for item in ids_in(state.CONNECTIONS, "")), None)
        deadline = Deadline(services.clock, PATIENCE)
        klaviyo = open_account(services, services.catalog.connection(connection), deadline)
        for each in klaviyo.lists(deadline):
            if each.id.startswith(beginning):
                yield CompletionItem(each.id, help=each.name)


def complete_columns(context: click.Context, _: click.Parameter, beginning: str) -> list[CompletionItem]:
    """The columns of the first typed segment."""
    names: list[str] = []
    with suppress(ExportError):
        settings = Settings.from_environment()
        for segment in (context.params.get("segments") or ())[:1]:
            snapshot = Segments(open_store(settings.segments_url), settings.segments_prefix).newest(segment)
            names = [] if snapshot.names_by_file else [column.name for column in snapshot.columns]
    return _like(names, beginning)


def _like(names: list[str], beginning: str) -> list[CompletionItem]:
    return [CompletionItem(each) for each in names if each.startswith(beginning) and each.isprintable()]
