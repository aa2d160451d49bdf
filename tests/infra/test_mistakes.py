"""What a person types in the portal or gives azd: mistakes end a deployment before it makes anything.

The Bicep CLI evaluates the template as Azure does.
"""

import os
from pathlib import Path

import pytest

from infra import compile as compiler
from tests.support.templates import INFRA, MAIN

pytestmark = pytest.mark.skipif(compiler.bicep() is None, reason="there is no Bicep CLI")

GIVEN = {
    "environmentName": "production",
    "segmentsAccountName": "mysegments",
    "segmentsContainerName": "exports",
}
# Wrong in one way each; a mistake that one misses, others may not hide.
WRONG = {
    "segmentsAccountName": ["MySegments", "my-segments", "mysegments.blob"],
    "segmentsContainerName": ["Exports", "my_exports", "exports/vip"],
    "segmentsPrefix": ["/exports", "exports/"],
    "packageUri": ["http://example.org/app.zip", "app.zip"],
    "administratorId": ["ada@example.org", "00000000000000000000000000000000aaaa"],
    "signInClientId": ["segment-export", "00000000-0000-4000-8000-0123456789"],
    "keyVaultName": ["kv-keys.vault", "https://kv-keys"],
    "alertEmail": ["operator"],
    "notifySecret": ["https://example.org/hook"],
    "publicUrl": ["exports.example.org", "https://exports.example.org/", "http://exports.example.org"],
    "exportSchedule": ["* * * * *", "every minute"],
    "networkAddressRange": ["10.20.0.0/25", "10.20.0.0/32"],
}
RIGHT = {
    "environmentName": "Größe 1/2 (test) " + "x" * 40,
    "segmentsAccountName": "abc",
    "segmentsContainerName": "a-1",
    "segmentsPrefix": "Exports/Klaviyo 1",
    "packageUri": "https://example.org/app.zip?sv=2025&sig=a%2Fb",
    "administratorId": "ABCDEF00-0000-4000-8000-0123456789ab",
    "signInClientId": "ABCDEF00-0000-4000-8000-0123456789ac",
    "keyVaultName": "KV-keys-1",
    "alertEmail": "operator+alerts@example.org",
    "notifySecret": "notify-URL",
    "publicUrl": "https://exports.example.org:8443",
    "exportSchedule": "0 */5 * * * *",
    "networkAddressRange": "172.16.0.0/12",
}


def evaluate(folder: Path, given: dict[str, str]) -> tuple[int, str]:
    """Exit code and errors of the CLI for these parameters."""
    lines = [f"using '{os.path.relpath(INFRA / 'main.bicep', folder)}'"]
    lines += [f"param {name} = '{value}'" for name, value in given.items()]
    parameters = folder / "tried.bicepparam"
    parameters.write_text("\n".join(lines))
    result = compiler.snapshot(parameters, "overwrite")
    return result.returncode, result.stderr


@pytest.mark.parametrize("nth", range(3))
def test_mistakes_are_told_all_at_once(nth: int, tmp_path: Path) -> None:
    """Each by the parameter's name, with what it looks like where it is right."""
    wrong = {name: values[nth] for name, values in WRONG.items() if nth < len(values)}
    code, told = evaluate(tmp_path, GIVEN | wrong)
    assert code == 1
    for name in WRONG:
        assert (f"{name} " in told) is (name in wrong), (name, told)


def test_what_azure_takes_is_not_refused(tmp_path: Path) -> None:
    """The shortest and the strangest that are right."""
    assert set(RIGHT) >= set(WRONG)
    assert evaluate(tmp_path, RIGHT) == (0, "")


def test_events_go_to_a_queue(tmp_path: Path) -> None:
    """Where the timer does the work there is none: nobody would hear them."""
    code, told = evaluate(tmp_path, GIVEN | {"refreshEvents": "eventGrid", "workers": "timer"})
    assert code == 1
    assert "set workers to queue, or refreshEvents to none" in told


def test_every_name_that_is_typed_is_looked_at() -> None:
    """A new parameter of free text gets a check, or stands here with its reason."""
    free = {name for name, each in MAIN["parameters"].items() if each.get("type") == "string"}
    free -= {name for name, each in MAIN["parameters"].items() if "allowedValues" in each}
    anything = {
        "environmentName",  # a tag
        "location",  # Azure's own list
        "segmentsResourceGroupName",  # any letters
        "keyVaultResourceGroupName",
        "klaviyoClientId",  # Klaviyo's to say
    }
    assert free == set(WRONG) | anything
