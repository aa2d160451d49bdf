"""What each role sees, and the pages that it is refused."""

from playwright.sync_api import Page, expect

from shared.adapters.storage.store import BlobInfo
from shared.administration.overview import overview
from shared.administration.rights import Person, Role
from tests.pages.app import NewPage, Serve
from tests.pages.guard import guards
from tests.pages.lived_in import live_in
from tests.pages.steps import add_export, expect_heading, expect_notice, path_of, press, row
from tests.support.world import World

ADMINISTRATORS_ONLY = ("/new/connection", "/new/sign-in", "/audit", "/health")
NEITHER = ("/new/export", "/exports/vip/edit", "/connections", "/connections/sandbox")


VIEWER = Person("vera@example.org", Role.VIEWER)


def entries(world: World) -> list[BlobInfo]:
    return list(world.services.catalog.entries())


def navigation(page: Page) -> list[str]:
    return page.get_by_role("navigation", name="Pages").get_by_role("link").all_inner_texts()


def buttons(page: Page) -> set[str]:
    """The buttons and links in the page's main part, even in folded sections."""
    found = page.get_by_role("main").locator("button, a.button").all_text_contents()
    return set(found) - {"Show", "The list at Klaviyo", "Download all places (CSV)"}


def post(page: Page, path: str, **fields: str) -> int:
    """Sends a form that no page shows, with the browser's own token; the status."""
    cookie = next(each for each in page.context.cookies() if each.get("name") == "segment-export")
    form: dict[str, str | float | bool] = {"token": cookie.get("value", ""), **fields}
    headers = {"origin": page.url.rstrip("/"), "sec-fetch-site": "same-origin"}
    return page.context.request.post(path, form=form, headers=headers, max_redirects=0).status


def refused(page: Page, paths: tuple[str, ...], status: int = 403) -> None:
    """Each address is refused to this person, and the first one's page has no button."""
    guards[page].expect(status)
    page.goto(paths[0])
    expect_heading(page, "Not allowed" if status == 403 else "Not found")
    assert buttons(page) == set()
    for path in paths:
        response = page.context.request.get(path)
        assert response.status == status, path
        assert "klaviyo-sandbox" not in response.text(), path


def test_a_viewer_looks_and_changes_nothing(new_page: NewPage, serve: Serve, world: World) -> None:
    """Exports and runs have no button, and forms that are sent anyway are refused."""
    runs = live_in(world)
    before = [entry.name for entry in entries(world)]
    page = new_page(serve("viewer"))
    page.goto("/")
    assert navigation(page) == ["Exports", "Runs"]
    assert buttons(page) == set()
    press(page, "VIPs")
    expect(page.get_by_text("HighValueSegment")).to_be_visible()
    assert buttons(page) == set()
    page.goto(f"/runs/{runs['held']}")
    expect(page.get_by_role("heading", name="Removals are held")).to_be_visible()
    assert buttons(page) == set()
    page.goto("/")
    for path, action in (
        ("/", "run_all"),
        ("/exports/vip", "run"),
        ("/exports/vip", "preview"),
        ("/exports/vip", "remove"),
        ("/exports/vip", "deactivate"),
        ("/exports/vip/edit", "save"),
        (f"/runs/{runs['held']}", "confirm"),
        (f"/runs/{runs['held']}", "again"),
        ("/connections/sandbox", "remove"),
        ("/new/connection", "add"),
        ("/new/export", "add"),
    ):
        assert post(page, path, action=action, removals="86") == 403, (path, action)
    assert not any(entry.open_run for entry in overview(world.services, VIEWER, entries(world)))
    refused(page, (*ADMINISTRATORS_ONLY, *NEITHER))
    assert [entry.name for entry in entries(world)] == before


def test_a_contributor_works_with_what_is_shared(new_page: NewPage, serve: Serve, world: World) -> None:
    """Of a connection its name; exports over it from the first step to a run."""
    world.document("connections/sandbox.json", shared_with="contributors")
    page = new_page(serve("contributor"))
    page.goto("/")
    assert navigation(page) == ["Exports", "Runs", "Connections"]
    press(page, "Connections")
    assert buttons(page) == set()
    press(page, "Klaviyo sandbox")
    expect(page.get_by_text("Administrators manage it")).to_be_visible()
    assert "klaviyo-sandbox" not in page.content()
    assert buttons(page) == set()
    add_export(page, "Mine")
    expect_notice(page, "Saving does not start a run")
    press(page, "Preview")
    expect(page.get_by_role("region", name="The first profiles", exact=True)).to_be_visible()
    press(page, "Run")
    expect(row(page, "Confirmed by Klaviyo").get_by_role("cell").first).to_have_text("50", timeout=30_000)
    refused(page, ADMINISTRATORS_ONLY)
    page.goto("/")
    for action in ("save", "key", "test", "pause", "detach", "remove"):
        assert post(page, "/connections/sandbox", action=action, api_key="pk_sandbox") == 403, action


def test_a_contributor_only_sees_what_is_not_shared(new_page: NewPage, serve: Serve, world: World) -> None:
    """The export, without a button; the connection is as if it were not there."""
    run = live_in(world)["held"]
    page = new_page(serve("contributor"))
    page.goto("/")
    assert buttons(page) <= {"Add export", "Run all"}
    expect(row(page, "VIPs")).to_be_visible()
    press(page, "VIPs")
    assert buttons(page) == set()
    page.goto(f"/runs/{run}")
    assert buttons(page) == set()
    press(page, "Connections")
    expect(page.get_by_text("No connection is shared with you")).to_be_visible()
    page.goto("/new/export")
    expect(page.get_by_text("You may not use any connection")).to_be_visible()
    page.goto("/")
    for action in ("run", "preview", "remove", "detach", "duplicate"):
        assert post(page, "/exports/vip", action=action) == 403, action
    assert post(page, f"/runs/{run}", action="confirm", removals="86") == 403
    refused(page, ("/exports/vip/edit",))
    refused(page, ("/connections/sandbox",), 404)


def test_with_a_function_key_the_page_says_how_to_sign_in(new_page: NewPage, serve: Serve) -> None:
    """And shows nothing else."""
    page = new_page(serve(None))
    guards[page].expect(403)
    page.goto("/exports/vip")
    expect_heading(page, "Sign-in is off")
    expect(page.get_by_text("segment-export serve --as administrator")).to_be_visible()
    assert "VIPs" not in page.content()
    for path in ("/", "/connections", "/runs"):
        assert page.context.request.get(path).status == 403


def test_a_form_of_another_page_is_refused(page: Page, world: World) -> None:
    """A form without this browser's token does nothing."""
    page.goto("/exports/vip")
    guards[page].expect(403)
    field = page.locator("form:has(button[value=run]) input[name=token]")
    field.evaluate("field => { field.value = 'forged' }")
    press(page, "Run")
    assert path_of(page) == "/exports/vip"
    expect_heading(page, "Not allowed")
    assert not list(world.services.state.list("heads/"))
