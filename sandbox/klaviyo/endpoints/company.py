"""What a key may know of its own account."""

from typing import Any

from sandbox.klaviyo import resources
from sandbox.klaviyo.call import Call
from sandbox.klaviyo.queries import read_fields


def list_accounts(call: Call) -> dict[str, Any]:
    fields = read_fields(call.query, "fields[account]", resources.ACCOUNT_FIELDS)
    return call.page([resources.account_resource(call.account, call.base, fields)], None)
