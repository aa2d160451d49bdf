"""The export with another number of posts side by side: python -m bench.export IN_FLIGHT"""

import sys

from cli.main import main
from shared.runs import sending

if __name__ == "__main__":
    sending.IN_FLIGHT = int(sys.argv[1])
    main(["run", "vip", "--json"])
