"""The same bare loop through klaviyo-api, Klaviyo's own client for Python.

python -m bench.official KLAVIYO_URL FOLDER
"""

import sys
import warnings
from itertools import batched
from pathlib import Path

from bench.bare import body, read

with warnings.catch_warnings():
    # The generated models shadow a field and keep to an older pydantic.
    warnings.simplefilter("ignore")
    from klaviyo_api import KlaviyoAPI


def main() -> None:
    url, folder = sys.argv[1:]
    klaviyo = KlaviyoAPI("pk_sandbox", test_host=url)
    for profiles in batched(read(Path(folder)), 10_000, strict=False):
        klaviyo.Profiles.bulk_import_profiles(body(list(profiles)))


if __name__ == "__main__":
    main()
