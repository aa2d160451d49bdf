"""docs/runbook.md: the schedule that replaces the timer calls an existing route."""

import json

from admin_trigger.routes import ALL_ROUTES
from tests.docs.pages import blocks, page


def test_the_workflow_calls_the_tick() -> None:
    """Every minute, one call at a time, with the key that the route needs."""
    [text] = blocks(page("docs/runbook.md"), "json")
    workflow = json.loads(text)
    [trigger] = workflow["triggers"].values()
    [action] = workflow["actions"].values()
    [route] = [each for each in ALL_ROUTES if each.name == "tick"]

    assert trigger["recurrence"] == {"frequency": "Minute", "interval": 1}
    assert trigger["runtimeConfiguration"]["concurrency"]["runs"] == 1
    assert action["inputs"]["uri"] == f"@{{parameters('appUrl')}}/api/{route.path}"
    assert action["inputs"]["method"] in route.operations
    assert action["inputs"]["headers"] == {"x-functions-key": "@parameters('functionKey')"}
    assert {"appUrl", "functionKey"} == workflow["parameters"].keys()
