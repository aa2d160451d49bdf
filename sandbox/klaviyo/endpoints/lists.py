"""Lists, without their members."""

from typing import Any

from sandbox.klaviyo import resources
from sandbox.klaviyo.call import Call
from sandbox.klaviyo.errors import invalid, invalid_parameter
from sandbox.klaviyo.queries import in_order, read_fields, read_filter, read_page

COUNT = "additional-fields[list]"


def list_lists(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, "fields[list]", resources.LIST_FIELDS)
    wanted = read_filter(call.query, "name", "id")
    lists = (
        listed
        for listed in call.account.lists.values()
        if wanted is None or getattr(listed, wanted.field) in wanted.values
    )
    page, cursor = read_page(in_order(lists), call.query, default=10, maximum=10)
    return call.page([resources.list_resource(listed, call.base, fields) for listed in page], cursor)


def read_list(call: Call) -> dict[str, Any]:
    count = call.query.get(COUNT)
    if count not in (None, "profile_count"):
        raise invalid_parameter(f"'{count}' is not a valid field.", COUNT)
    fields = read_fields(call.query, "fields[list]", [*resources.LIST_FIELDS, "profile_count"])
    return {"data": resources.list_resource(call.find_list(), call.base, fields, count=count is not None)}


def create_list(call: Call) -> dict[str, Any]:
    match call.body:
        case {"data": {"type": "list", "attributes": {"name": str(name)}}} if name:
            return {"data": resources.list_resource(call.stand_in.add_list(call.account, name), call.base)}
    raise invalid("A list needs a name.", "/data/attributes/name")


def list_flow_triggers(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, "fields[flow]", resources.FLOW_FIELDS)
    listed = call.find_list()
    return call.page(
        [resources.flow_resource(listed, name, call.base, fields) for name in listed.flows], None
    )
