"""A subscription with everything that an export needs, deployed well."""

import pytest

from tests.support.resource_manager import Subscription


@pytest.fixture
def made() -> Subscription:
    return Subscription()
