"""A local Azure Functions host on Microsoft's own engine: HTTP, timers and queues, without Core Tools."""

from sandbox.functions_host.errors import HostError
from sandbox.functions_host.host import NOT_EMULATED, FunctionsHost
from sandbox.functions_host.serve import serve
from sandbox.functions_host.settings import load_local_settings

__all__ = ["NOT_EMULATED", "FunctionsHost", "HostError", "load_local_settings", "serve"]
