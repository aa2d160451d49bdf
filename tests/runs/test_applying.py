"""Documents that are written together."""

from dataclasses import replace

import pytest

from sandbox.sample import example_documents
from shared.administration.applying import apply
from shared.administration.rights import Person, Role
from shared.catalog import Export
from shared.errors import NotFound, StorageUnavailable
from tests.support.stores import WatchedStore
from tests.support.world import World


class FullStore(WatchedStore):
    """A store that has no room for one document."""

    def called(self, what: str, name: str) -> None:
        if (what, name) == ("write", "exports/zeta.json"):
            raise StorageUnavailable("There is no room.")


def test_a_write_that_fails_takes_the_others_back(world: World) -> None:
    """All or nothing: what was changed is as before, and what was created is gone."""
    export = Export.model_validate(example_documents()["exports/vip.json"], strict=False)
    changed = export.model_copy(update={"display_name": "Changed"})
    created = export.model_copy(update={"id": "alpha"})
    refused = export.model_copy(update={"id": "zeta"})
    services = replace(world.services, state=FullStore(world.services.state))
    before = world.services.state.read("exports/vip.json").content

    with pytest.raises(StorageUnavailable):
        apply(services, [changed, created, refused], Person("tester", Role.ADMINISTRATOR))

    assert world.services.state.read("exports/vip.json").content == before
    with pytest.raises(NotFound):
        world.services.state.stat("exports/alpha.json")
