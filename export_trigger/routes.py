"""The HTTP routes. A function takes every method of its route, since Azure answers one that no function
takes with an empty 404.
"""

from collections.abc import Callable

import azure.functions as func

from export_trigger import acting, looking
from export_trigger.health import show_health
from shared.api import Reply, guarded, problem_reply

blueprint = func.Blueprint()


def _answer(req: func.HttpRequest, **handlers: Callable[[func.HttpRequest], Reply]) -> func.HttpResponse:
    """What the handler of the request's method replies; HEAD asks as GET does, for the headers only."""
    handler = handlers.get("GET" if req.method == "HEAD" else req.method)
    if handler is None:
        detail = f"The methods here are {', '.join(handlers)}."
        reply = problem_reply(405, "method_not_allowed", detail, {"allow": ", ".join(handlers)})
    else:
        reply = guarded(lambda: handler(req))
    return func.HttpResponse(
        reply.body, status_code=reply.status, mimetype=reply.media_type, headers=dict(reply.headers)
    )


@blueprint.function_name("export_runs")
@blueprint.route("exports/{export}/runs", auth_level=func.AuthLevel.FUNCTION)
def export_runs(req: func.HttpRequest) -> func.HttpResponse:
    """Runs an export, within the time that the caller waits; or lists its runs, newest first."""
    return _answer(req, GET=looking.show_runs, POST=acting.start_run)


@blueprint.function_name("preview_export")
@blueprint.route("exports/{export}/preview", auth_level=func.AuthLevel.FUNCTION)
def preview_export(req: func.HttpRequest) -> func.HttpResponse:
    """What a run of an export would send and remove."""
    return _answer(req, POST=looking.preview_export)


@blueprint.function_name("start_all")
@blueprint.route("runs", auth_level=func.AuthLevel.FUNCTION)
def start_all(req: func.HttpRequest) -> func.HttpResponse:
    """Starts every export that has an active schedule."""
    return _answer(req, POST=acting.start_all)


@blueprint.function_name("show_run")
@blueprint.route("runs/{run}", auth_level=func.AuthLevel.FUNCTION)
def show_run(req: func.HttpRequest) -> func.HttpResponse:
    """The record of a run, open or closed."""
    return _answer(req, GET=looking.show_run)


@blueprint.function_name("cancel_run")
@blueprint.route("runs/{run}/cancel", auth_level=func.AuthLevel.FUNCTION)
def cancel_run(req: func.HttpRequest) -> func.HttpResponse:
    """Ends a run before its end."""
    return _answer(req, POST=acting.cancel_run)


@blueprint.function_name("show_rejected")
@blueprint.route("runs/{run}/rejected", auth_level=func.AuthLevel.FUNCTION)
def show_rejected(req: func.HttpRequest) -> func.HttpResponse:
    """The refused rows of a run, as CSV."""
    return _answer(req, GET=looking.show_rejected)


@blueprint.function_name("health")
@blueprint.route("health", auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:
    """Whether the app can work, and nothing else."""
    return _answer(req, GET=show_health)
