"""The HTTP routes. What they do is in shared/; here they are only put on the wire."""

import azure.functions as func

from export_trigger import handlers
from shared.api import Reply, guarded

blueprint = func.Blueprint()


def _response(reply: Reply) -> func.HttpResponse:
    return func.HttpResponse(
        reply.body, status_code=reply.status, mimetype=reply.media_type, headers=dict(reply.headers)
    )


@blueprint.function_name("start_run")
@blueprint.route("exports/{export}/runs", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
def start_run(req: func.HttpRequest) -> func.HttpResponse:
    """Runs an export, within the time that the caller waits."""
    return _response(
        guarded(
            lambda: handlers.start_run(
                req.route_params["export"], req.url, req.headers.get("prefer", ""), req.get_body()
            )
        )
    )


@blueprint.function_name("show_run")
@blueprint.route("runs/{run}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def show_run(req: func.HttpRequest) -> func.HttpResponse:
    """The record of a run, open or closed."""
    return _response(guarded(lambda: handlers.show_run(req.route_params["run"], req.url)))


@blueprint.function_name("health")
@blueprint.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding's name
    """Whether the app runs, with settings that can be read; tells nothing else."""
    return _response(guarded(handlers.health))
