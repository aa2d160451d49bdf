"""Runs, as people watch them, end them, and answer their questions."""

import re

from playwright.sync_api import Page, Route, expect

from sandbox.klaviyo import Fault
from tests.pages.app import NewPage, Serve
from tests.pages.guard import guards
from tests.pages.lived_in import live_in
from tests.pages.steps import expect_notice, expect_status, path_of, press, row
from tests.support.world import World


def test_a_run_is_watched_to_its_end(page: Page, world: World) -> None:
    """The page shows progress and the end without a reload."""
    world.stand_in.job_seconds = 5
    page.goto("/")
    row(page, "VIPs").get_by_role("button", name="Run VIPs").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.locator("[data-count=sent]")).to_have_text("50", timeout=30_000)
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect_status(page, "Successful")
    assert path_of(page).startswith("/runs/vip.")
    expect(row(page, "Confirmed by Klaviyo").get_by_role("cell").first).to_have_text("50")
    expect(page.get_by_role("button", name="Run again")).to_be_visible()


def test_a_run_is_canceled(page: Page, world: World) -> None:
    """The page shows that it waits for Klaviyo."""
    world.stand_in.faults.add([Fault("error", method="POST", nth=1, status=429, retry_after=600)])
    page.goto("/exports/vip")
    press(page, "Run")
    expect(page.locator("[data-field=wait]")).to_contain_text("Waiting:", timeout=30_000)
    press(page, "Cancel")
    expect_status(page, "Canceled")
    press(page, "Exports")
    expect(row(page, "VIPs")).to_contain_text("Canceled")


def test_who_is_signed_out_meanwhile_is_told(page: Page, world: World) -> None:
    """The script stops polling."""
    world.stand_in.job_seconds = 600
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=401)

    page.route(re.compile("/api/runs/"), refuse)
    guards[page].expect(401)
    page.goto("/exports/vip")
    press(page, "Run")
    expect(page.get_by_text("Sign in again")).to_be_visible(timeout=30_000)
    page.wait_for_timeout(2_500)  # longer than from one look to the next
    assert len(asked) == 1


def test_all_are_run_at_once(page: Page, world: World) -> None:
    """Those with an active schedule; the others are left alone."""
    live_in(world)
    page.goto("/")
    press(page, "Run all")
    expect_notice(page, "Runs opened: 2")
    expect(row(page, "VIPs")).to_contain_text("open run")
    expect(row(page, "Asleep")).not_to_contain_text("open run")


def test_removals_are_confirmed(page: Page, world: World) -> None:
    """The page shows the number of held removals, and requires a check first."""
    held = live_in(world)["held"]
    before = len(world.members())
    page.goto(f"/runs/{held}")
    expect(page.get_by_role("heading", name="Removals are held")).to_be_visible()
    press(page, "Confirm removals")  # the box is not checked: the browser keeps the form
    assert path_of(page) == f"/runs/{held}"
    page.get_by_label("I have checked the segment").check()
    press(page, "Confirm removals")
    expect(row(page, "Removed from the list").get_by_role("cell").first).to_have_text("86", timeout=30_000)
    assert len(world.members()) == before - 86


def test_refused_rows_are_explained_and_can_be_taken_along(page: Page, world: World) -> None:
    """The page has reasons with fixes, the first places, and all places as a file."""
    run = live_in(world)["refused"]
    page.goto(f"/runs/{run}")
    expect(row(page, "missing_email")).to_contain_text("2")
    with page.expect_download() as download:
        press(page, "Download all places (CSV)")
    lines = download.value.path().read_text().splitlines()
    assert download.value.suggested_filename == f"{run}.rejected.csv"
    assert lines[0] == "partition,row,column,reason,stage"
    assert len(lines) == 6


def test_a_failed_run_says_what_to_do(page: Page, world: World) -> None:
    """The message, and the remedy of docs/codes.md."""
    page.goto(f"/runs/{live_in(world)['failed']}")
    expect_status(page, "Failed")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("does not exist in the Klaviyo account")
    expect(alert).to_contain_text("Code: unknown_list")
    expect(alert.get_by_role("paragraph")).to_have_count(4)


def test_a_preview_hides_people_until_somebody_asks(page: Page, world: World) -> None:
    """Five rows are shown as they would be sent; the audit records that someone looked, but no values."""
    page.goto("/exports/vip")
    press(page, "Preview")
    rows = page.get_by_role("region", name="The first profiles", exact=True).get_by_role("row")
    expect(rows).to_have_count(6)
    assert "person-0000000@example.org" not in page.content()
    press(page, "Show the values")
    expect(rows.nth(1)).to_contain_text("person-0000000@example.org")
    page.goto("/audit")
    expect(page.get_by_text("exports.show_rows")).to_have_count(1)
    assert "person-0" not in page.content()
    assert world.members() == set()


def test_times_are_in_the_readers_zone(new_page: NewPage, serve: Serve, world: World) -> None:
    """Times are in the browser's zone; without a script they are in UTC, and marked so."""
    run = world.run().id
    url = serve()
    page = new_page(url)
    page.goto(f"/runs/{run}")
    expect(page.locator("main time").first).to_have_text(re.compile("5:33"))  # 15:33 UTC, two hours ahead
    expect(page.get_by_role("contentinfo")).to_contain_text("Europe/Vienna")
    plain = new_page(url, java_script_enabled=False)
    plain.goto(f"/runs/{run}")
    expect(plain.locator("main time").first).to_have_text("2026-08-24 15:33 UTC")
