"""Lets every active export be due, and the timer tick until all of them are closed: python -m bench.ticks"""

import json
import sys
from collections import Counter

from bench.ground import let_all_be_due
from shared.runs.work.tick import tick
from shared.services import process_services


def main() -> None:
    services = process_services()
    let_all_be_due(services)
    imported = Counter[str]()
    ticks = 0
    while records := tick(services, services.settings.timer_time_budget).records:
        imported.update({record.id: record.counts.imported for record in records if record.is_closed})
        ticks += 1
    sys.stdout.write(json.dumps({"ticks": ticks, "imported": imported.total()}) + "\n")


if __name__ == "__main__":
    main()
