"""The HTTP routes. What they do is in handlers.py; here it is only put on the wire."""

import azure.functions as func

from export_trigger import handlers
from shared.api import Reply, guarded

blueprint = func.Blueprint()


def _response(reply: Reply) -> func.HttpResponse:
    return func.HttpResponse(
        reply.body, status_code=reply.status, mimetype=reply.media_type, headers=dict(reply.headers)
    )


def _prefer(req: func.HttpRequest) -> str:
    return str(req.headers.get("prefer", ""))


@blueprint.function_name("start_run")
@blueprint.route("exports/{export}/runs", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
def start_run(req: func.HttpRequest) -> func.HttpResponse:
    """Runs an export, within the time that the caller waits."""
    export = req.route_params["export"]
    return _response(guarded(lambda: handlers.start_run(export, req.url, _prefer(req), req.get_body())))


@blueprint.function_name("show_runs")
@blueprint.route("exports/{export}/runs", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def show_runs(req: func.HttpRequest) -> func.HttpResponse:
    """The runs of an export, newest first."""
    return _response(guarded(lambda: handlers.show_runs(req.route_params["export"], req.url, req.params)))


@blueprint.function_name("start_all")
@blueprint.route("runs", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
def start_all(req: func.HttpRequest) -> func.HttpResponse:
    """Starts every export that has an active schedule."""
    return _response(guarded(lambda: handlers.start_all(req.url, req.get_body())))


@blueprint.function_name("show_run")
@blueprint.route("runs/{run}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def show_run(req: func.HttpRequest) -> func.HttpResponse:
    """The record of a run, open or closed."""
    return _response(guarded(lambda: handlers.show_run(req.route_params["run"], req.url, _prefer(req))))


@blueprint.function_name("cancel_run")
@blueprint.route("runs/{run}/cancel", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
def cancel_run(req: func.HttpRequest) -> func.HttpResponse:
    """Ends a run before its end."""
    return _response(guarded(lambda: handlers.cancel_run(req.route_params["run"], req.url)))


@blueprint.function_name("show_rejected")
@blueprint.route("runs/{run}/rejected", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def show_rejected(req: func.HttpRequest) -> func.HttpResponse:
    """The refused rows of a run, as CSV."""
    return _response(guarded(lambda: handlers.show_rejected(req.route_params["run"])))


@blueprint.function_name("health")
@blueprint.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding's name
    """Whether the app runs, with settings that can be read; tells nothing else."""
    return _response(guarded(handlers.health))
