"""A key's own account and its usage."""

from typing import Any

from sandbox.klaviyo import resources
from sandbox.klaviyo.call import Call
from sandbox.klaviyo.queries import read_fields, read_filter


def list_accounts(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, "fields[account]", resources.ACCOUNT_FIELDS)
    return call.page([resources.account_resource(call.account, call.base, fields)], None)


def list_usage(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, "fields[billing-usage]", resources.USAGE_FIELDS)
    wanted = read_filter(call.query, "id")
    return call.page(
        [
            row
            for row in resources.usage_resources(call.account, call.now, call.base, fields)
            if wanted is None or row["id"] in wanted.values
        ],
        None,
    )
