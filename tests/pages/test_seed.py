"""The steps that people know from Customer Insights, one by one."""

from playwright.sync_api import Page, expect

from sandbox.klaviyo import SCOPES
from tests.pages.guard import guards
from tests.pages.looks import assert_accessible
from tests.pages.steps import (
    add_export,
    connect,
    empty,
    expect_heading,
    expect_notice,
    expect_status,
    open_and_press,
    path_of,
    press,
    row,
)
from tests.support.world import World


def test_from_nothing_to_people_on_a_list(page: Page, world: World) -> None:
    """A connection, an export over it, and a run that is watched to its end."""
    empty(world)
    page.goto("/")
    expect(page.get_by_text("No exports yet.")).to_be_visible()
    connect(page, "Klaviyo EU")
    expect_status(page, "Active")
    expect_notice(page, "Saved")
    add_export(page, "Spring")
    expect_heading(page, "Spring")
    expect_notice(page, "Saving does not start a run")
    assert path_of(page) == "/exports/spring"
    assert world.members() == set()

    world.stand_in.job_seconds = 2
    press(page, "Run")
    assert path_of(page).startswith("/runs/spring.")
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect_status(page, "Successful")
    expect(page.get_by_role("progressbar")).not_to_be_visible()
    expect(row(page, "Confirmed by Klaviyo").get_by_role("cell").first).to_have_text("50")
    assert len(world.members()) == 50
    press(page, "Exports")
    expect(row(page, "Spring")).to_contain_text("Successful")


def test_an_export_is_changed_paused_and_copied(page: Page, world: World) -> None:
    """Edit, the schedule on and off, duplicate, which keeps all but the schedule."""
    page.goto("/exports/vip")
    press(page, "Edit")
    page.get_by_label("Display name").fill("Our VIPs")
    page.get_by_label("At certain times").check()
    page.get_by_label("Cron expression").fill("0 6 * * 1-5")
    page.get_by_label("Time zone").fill("Europe/Vienna")
    press(page, "Save")
    expect_heading(page, "Our VIPs")
    expect(page.get_by_text("at 06:00 on Monday through Friday")).to_be_visible()
    press(page, "Turn off the schedule")
    expect(page.locator(".title")).to_contain_text("Inactive")
    press(page, "Turn on the schedule")
    expect(page.locator(".title")).to_contain_text("Active")
    press(page, "Duplicate")
    assert path_of(page) == "/exports/vip-copy"
    expect(page.locator(".title")).to_contain_text("Inactive")
    assert {entry.name for entry in world.services.catalog.entries()} == {
        "exports/vip.json",
        "exports/vip-copy.json",
    }


def test_a_mistake_in_a_form_is_named_and_what_was_typed_stays(page: Page) -> None:
    """The problems of a cron and a list are shown; nothing is saved."""
    guards[page].expect(422)
    page.goto("/exports/vip/edit")
    page.get_by_label("Display name").fill("Other")
    page.get_by_label("At certain times").check()
    page.get_by_label("Cron expression").fill("whenever")
    press(page, "Save")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Not saved")
    expect(alert).to_contain_text("a cron of five fields")
    expect(page.get_by_label("Display name")).to_have_value("Other")
    expect(page.get_by_label("Cron expression")).to_have_value("whenever")
    expect(page.get_by_label("RewardPoints")).to_be_checked()
    assert_accessible(page)


def test_what_two_people_save_at_once_is_not_lost(page: Page) -> None:
    """The second person is warned, and the first one's changes stay."""
    page.goto("/exports/vip/edit")
    other = page.context.new_page()
    other.goto("/exports/vip/edit")
    other.get_by_label("Display name").fill("First")
    press(other, "Save")
    expect_heading(other, "First")
    guards[page].expect(409, 412, 422)
    page.get_by_label("Display name").fill("Second")
    press(page, "Save")
    expect(page.get_by_role("alert")).to_be_visible()
    other.reload()
    expect_heading(other, "First")


def test_a_connection_in_use_is_detached_before_it_is_removed(page: Page, world: World) -> None:
    """Its exports are shown; once detached they don't run, and get another connection; then it goes."""
    page.goto("/connections/sandbox")
    guards[page].expect(409)
    open_and_press(page, "Remove the connection", "Remove")
    expect(page.get_by_text("These exports use it:")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="VIPs").click()
    open_and_press(page, "Detach the connection", "Detach")
    expect(page.get_by_text("none (detached)")).to_be_visible()
    expect(page.get_by_role("button", name="Run", exact=True)).to_have_count(0)
    connect(page, "Another")
    page.goto("/exports/vip")
    page.get_by_label("Attach a connection").select_option(label="Another")
    press(page, "Attach")
    expect(page.get_by_role("link", name="another", exact=True)).to_be_visible()
    page.goto("/connections/sandbox")
    open_and_press(page, "Remove the connection", "Remove")
    assert path_of(page) == "/connections"
    expect(row(page, "Another")).to_be_visible()
    expect(row(page, "Klaviyo sandbox")).to_have_count(0)
    assert not list(world.services.state.list("connections/sandbox"))


def test_a_connection_is_detached_from_all_its_exports(page: Page) -> None:
    """The connection's own page lists the detached exports."""
    page.goto("/connections/sandbox")
    open_and_press(page, "Detach from its exports", "Detach")
    expect_notice(page, "Detached: vip")
    expect(page.get_by_text("no export", exact=True)).to_be_visible()


def test_an_export_is_removed(page: Page, world: World) -> None:
    """The list stays as it is."""
    world.run()
    page.goto("/exports/vip")
    open_and_press(page, "Remove the export", "Remove")
    assert path_of(page) == "/"
    expect(page.get_by_text("No exports yet.")).to_be_visible()
    assert len(world.members()) == 50


def test_a_connection_is_tested_paused_renamed_and_given_another_key(page: Page, world: World) -> None:
    """And a key that opens nothing is refused, and shown nowhere."""
    account = world.stand_in.accounts["SNDBOX"]
    account.keys = {**account.keys, "pk_second": SCOPES}
    page.goto("/connections/sandbox")
    press(page, "Test")
    expect_notice(page, "The key opens Sandbox (SNDBOX)")
    press(page, "Pause")
    expect_status(page, "Paused")
    press(page, "Resume")
    expect_status(page, "Active")
    page.get_by_label("Display name").fill("Our brand")
    page.get_by_label("All contributors").check()
    press(page, "Save")
    expect_heading(page, "Our brand")
    page.get_by_label("Another private key to the same account").fill("pk_second")
    press(page, "Change the key")
    expect_notice(page, "Saved")
    guards[page].expect(422)
    page.get_by_label("Another private key to the same account").fill("pk_made_up")
    press(page, "Change the key")
    expect(page.get_by_role("alert")).to_be_visible()
    assert "pk_made_up" not in page.content()


def test_a_key_that_opens_nothing_makes_no_connection(page: Page, world: World) -> None:
    """The form shows the problem, and keeps the name but not the key."""
    empty(world)
    guards[page].expect(422)
    page.goto("/")
    connect(page, "Klaviyo EU", key="pk_made_up")
    expect(page.get_by_role("alert")).to_contain_text("Not saved")
    expect(page.get_by_label("Display name")).to_have_value("Klaviyo EU")
    expect(page.get_by_label("Private API key", exact=True)).to_have_value("")
    assert "pk_made_up" not in page.content()
    assert_accessible(page)
    assert not list(world.services.state.list("connections/"))


def test_signing_in_at_klaviyo(page: Page) -> None:
    """A connection without a key: Klaviyo redirects the browser back to the connection."""
    page.goto("/new/connection")
    page.get_by_label("Display name").fill("By OAuth")
    page.get_by_label("By signing in at Klaviyo").check()
    page.get_by_label("I agree").check()
    press(page, "Connect")
    expect_heading(page, "Allow sandbox-app?")
    press(page, "Allow")
    expect_heading(page, "By OAuth")
    expect_status(page, "Active")
    expect(page.get_by_text("Sandbox (SNDBOX)")).to_be_visible()
    press(page, "Sign in at Klaviyo")
    guards[page].expect(400)
    press(page, "Deny")
    expect(page.get_by_text("sign_in_refused")).to_be_visible()
    page.goto("/connections/by-oauth")
    expect_status(page, "Active")
