"""The routes of the pages. None is below /admin, /runtime or /.auth, which belong to the platform."""

from page_trigger import assets, connections, export_forms, exports, looking, overviews, runs
from page_trigger.visits import Page, blueprint_of
from shared.adapters.http import HttpCall
from shared.administration.rights import Action
from shared.api import Reply

# On Azure, an empty route would become the function's name; this one matches only the root.
ROOT = "{ignored:maxlength(0)?}"

PAGES = (
    Page("exports", ROOT, Action.SEE_EXPORT, overviews.show, overviews.run_all),
    Page("export", "exports/{export}", Action.SEE_EXPORT, exports.show, exports.act),
    Page(
        "edit_export",
        "exports/{export}/edit",
        Action.CHANGE_EXPORT,
        export_forms.show_edit,
        export_forms.change,
    ),
    Page("new_export", "new/export", Action.ADD_EXPORT, export_forms.show_new, export_forms.begin),
    Page("runs", "runs", Action.SEE_RUN, runs.show_all),
    Page("run", "runs/{run}", Action.SEE_RUN, runs.show, runs.act),
    Page("connections", "connections", Action.SEE_CONNECTION, connections.show_all),
    Page("connection", "connections/{connection}", Action.SEE_CONNECTION, connections.show, connections.act),
    Page("new_connection", "new/connection", Action.ADD_CONNECTION, connections.show_new, connections.add),
    Page("signed_in", "new/sign-in", Action.SIGN_IN, connections.finish_sign_in),
    Page("audit", "audit", Action.READ_AUDIT, looking.show_audit),
    Page("health", "health", Action.CHECK_HEALTH, looking.show_health),
)


def asset(http: HttpCall) -> Reply:
    """The style, the script and the icon, which never change under their names."""
    found = assets.find(http.route.get("name", ""))
    if found is None:
        return Reply(404, b"", "text/plain", {"cache-control": "no-store"})
    kept = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
    return Reply(200, found.content, found.media_type, kept)


blueprint = blueprint_of(PAGES, asset)
