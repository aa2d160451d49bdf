"""The HTTP routes of runs and of the health."""

from export_trigger import acting, looking
from export_trigger.health import show_health
from export_trigger.shown import Health, ShownPreview, ShownRun, Started
from shared.administration.rights import Action
from shared.api import EmptyBody, Operation, PreviewBody, Route, StartAllBody, StartBody, blueprint_of

_PAGE = {"limit": "The maximum number of runs, 1 to 100.", "before": "The run before which the page starts."}

ROUTES = (
    Route(
        "export_runs",
        "exports/{export}/runs",
        {
            "GET": Operation(
                looking.show_runs,
                Action.SEE_RUN,
                "List the runs of an export, newest first, including the open one.",
                {200: "The runs, and the URL of the next page."},
                shows=ShownRun,
                page="runs",
                problems=(400, 404, 422),
                query=_PAGE,
            ),
            "POST": Operation(
                acting.start_run,
                Action.START_RUN,
                "Run an export, or resume its open run, while the caller waits.",
                {200: "The record of the closed run.", 202: "The open run, and its URL."},
                shows=ShownRun,
                body=StartBody,
                header={
                    "Prefer": "How long to wait: respond-async or wait=60. handling=strict: 500 if it failed."
                },
                problems=(400, 404, 409, 413, 422),
            ),
        },
    ),
    Route(
        "preview_export",
        "exports/{export}/preview",
        {
            "POST": Operation(
                looking.preview_export,
                Action.PREVIEW,
                "Show what a run would send and remove. Sends and writes nothing.",
                {200: "The plan."},
                shows=ShownPreview,
                body=PreviewBody,
                problems=(400, 404, 413, 422),
            ),
        },
    ),
    Route(
        "all_runs",
        "runs",
        {
            "GET": Operation(
                looking.show_all_runs,
                Action.SEE_RUN,
                "List the runs of all exports, newest first, including open ones.",
                {200: "The runs, and the URL of the next page."},
                shows=ShownRun,
                page="runs",
                problems=(400,),
                query=_PAGE,
            ),
            "POST": Operation(
                acting.start_all,
                Action.START_RUN,
                "Open a run of every export that has an active schedule; the timer advances them.",
                {202: "The runs, and the problems of the other exports."},
                shows=Started,
                body=StartAllBody,
                problems=(400, 413),
            ),
        },
    ),
    Route(
        "show_run",
        "runs/{run}",
        {
            "GET": Operation(
                looking.show_run,
                Action.SEE_RUN,
                "Show a run without advancing it.",
                {200: "The record of the closed run.", 202: "The open run, with its progress."},
                shows=ShownRun,
                problems=(404, 422),
            ),
        },
    ),
    Route(
        "cancel_run",
        "runs/{run}/cancel",
        {
            "POST": Operation(
                acting.cancel_run,
                Action.CANCEL_RUN,
                "Cancel a run.",
                {200: "The record of the closed run.", 202: "The run, whose jobs are still being counted."},
                shows=ShownRun,
                body=EmptyBody,
                problems=(400, 404, 409, 413, 422),
            ),
        },
    ),
    Route(
        "show_rejected",
        "runs/{run}/rejected",
        {
            "GET": Operation(
                looking.show_rejected,
                Action.SEE_RUN,
                "Show the refused rows of a closed run as CSV: places and reasons.",
                {200: "The rows."},
                media_type="text/csv",
                problems=(404, 409, 422),
            ),
        },
    ),
    Route(
        "health",
        "health",
        {
            "GET": Operation(
                show_health,
                None,
                "Check that the settings are valid and the state can be read and written.",
                {200: "The app can work."},
                shows=Health,
            ),
        },
    ),
)

blueprint = blueprint_of(ROUTES)
