"""Writes the description of the API: `python -m admin_trigger docs/openapi.json`."""

import json
import sys
from pathlib import Path

from admin_trigger.routes import ALL_ROUTES
from shared.api.openapi import described

Path(sys.argv[1]).write_text(json.dumps(described(ALL_ROUTES), indent=1) + "\n")
