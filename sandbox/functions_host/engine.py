"""Microsoft's own execution engine for Python functions, used without gRPC.

The engine (PyPI: azure-functions-runtime, pinned exactly: its native entry is internal) indexes one function
app in its process, and keeps it in globals: one app per process.
"""

import asyncio
import json
import logging
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.native_invocation import invocation_request_native

from sandbox.functions_host.errors import HostError

_TRIGGERS = frozenset({"httpTrigger", "queueTrigger", "timerTrigger"})
_engine_log = logging.getLogger("azure.functions")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Function:
    """An indexed function: `trigger` is its trigger's binding, with the names of function.json."""

    name: str
    id: str
    trigger: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an invocation: whether it succeeded, and the Datum that an HTTP function returned."""

    succeeded: bool
    answer: Any


class _BindingInfo(SimpleNamespace):
    undefined, out, inout = 0, 1, 2


class _StatusResult(SimpleNamespace):
    Failure, Success = 0, 1


# Replace the generated protobuf classes, whose fields the engine fills and reads.
_PROTOS = SimpleNamespace(
    BindingInfo=_BindingInfo,
    StatusResult=_StatusResult,
    FunctionMetadataResponse=SimpleNamespace,
    RpcException=SimpleNamespace,
    RpcFunctionMetadata=SimpleNamespace,
    RpcRetryOptions=SimpleNamespace,
    WorkerInitResponse=SimpleNamespace,
    WorkerMetadata=SimpleNamespace,
)


def load(folder: Path) -> list[Function]:
    """Imports and indexes the folder's function_app.py, in the order of its functions.

    Raises HostError if an import or indexing fails, it has no function, a binding is not supported, or this
    process has already imported a function app.
    """
    if "function_app" in sys.modules:
        raise HostError("A process can host one function app, and this process has already imported one.")
    folder = folder.resolve()
    sys.path.insert(0, str(folder))
    level = _engine_log.level
    _engine_log.setLevel(logging.CRITICAL)  # on failure, it logs all of sys.path; its result has the reason
    try:
        functions = asyncio.run(_index(folder))
    finally:
        _engine_log.setLevel(level)
    if not functions:
        raise HostError(f"{folder} has no function_app.py with functions.")
    return functions


async def _index(folder: Path) -> list[Function]:
    init = SimpleNamespace(capabilities={}, function_app_directory=str(folder))
    request = SimpleNamespace(
        request=SimpleNamespace(worker_init_request=init), properties={"host": "", "protos": _PROTOS}
    )
    result = (await runtime.worker_init_request(request)).result
    if result.status != _StatusResult.Success:
        _log.debug("%s", result.exception.stack_trace)
        raise HostError(f"The function app can't be loaded: {_explain(result.exception, folder)}")
    metadata = await runtime.functions_metadata_request(request)
    return [_function(indexed) for indexed in metadata.function_metadata_results or ()]


def _explain(exception: Any, folder: Path) -> str:
    """The engine's message without its list of sys.path, with the app's own line that caused it."""
    message = exception.message.partition(" Current sys.path:")[0]
    lines = [
        f"{Path(file).relative_to(folder)}, line {line}"
        for file, line in re.findall(r'File "(.+?)", line (\d+)', exception.stack_trace)
        if Path(file).is_relative_to(folder) and "site-packages" not in file
    ]
    return f"{message} ({lines[-1]})" if lines else message


def _function(indexed: Any) -> Function:
    bindings = [json.loads(binding) for binding in indexed.raw_bindings]
    for binding in bindings:
        if binding["type"] not in _TRIGGERS and (binding["type"], binding["name"]) != ("http", "$return"):
            raise HostError(
                f"The function {indexed.name} has a {binding['type']} binding ({binding['name']}); "
                "this host supports HTTP, timer and queue triggers, and HTTP responses as return values."
            )
    trigger = next(binding for binding in bindings if binding["type"] in _TRIGGERS)
    return Function(indexed.name, indexed.function_id, trigger)


def start_threads() -> None:
    """Starts the pool for synchronous functions, with PYTHON_THREADPOOL_THREAD_COUNT threads if it is set.

    Functions of all triggers share it, and wait if all its threads are busy.
    """
    runtime.start_threadpool_executor()


def stop_threads() -> None:
    """Ends the idle threads; a busy thread ends with its function."""
    runtime.get_threadpool_executor().shutdown(wait=False, cancel_futures=True)


async def invoke(function: Function, invocation_id: str, datum: Any, metadata: Mapping[str, Any]) -> Outcome:
    """Runs a function with the data and the metadata of its trigger, both as Datums.

    The engine logs a failure with its traceback.
    """
    try:
        succeeded, answer, _, _, _ = await invocation_request_native(
            invocation_id, function.id, [(function.trigger["name"], datum)], dict(metadata)
        )
    except SystemExit:  # the engine does not catch it, and it would end the event loop
        _log.exception("The function %s asked the process to exit", function.name)
        return Outcome(succeeded=False, answer=None)
    return Outcome(succeeded, answer)


def json_text(value: str) -> Any:
    """A JSON document for the engine."""
    return Datum(value, "json")


def text(value: str) -> Any:
    """A text for the engine."""
    return Datum(value, "string")


def queue_metadata(**fields: object) -> dict[str, Any]:
    """A queue message's metadata for the engine: its Id, DequeueCount, PopReceipt and times."""
    return {name: json_text(json.dumps(value, default=datetime.isoformat)) for name, value in fields.items()}


def http_request(
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    params: Mapping[str, str],
    body: bytes,
) -> Any:
    """An HTTP request for the engine; `params` are those of the route."""
    return Datum(
        {
            "method": text(method),
            "url": text(url),
            "headers": {name: text(value) for name, value in headers.items()},
            "query": {name: text(value) for name, value in query.items()},
            "params": {name: text(value) for name, value in params.items()},
            "body": Datum(body, "bytes"),
        },
        "http",
    )
