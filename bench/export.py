"""The export with another number of posts side by side: python -m bench.export IN_FLIGHT"""

import sys

from cli.main import main
from shared.runs.steps import send

if __name__ == "__main__":
    send.IN_FLIGHT = int(sys.argv[1])
    main(["run", "vip", "--json"])
