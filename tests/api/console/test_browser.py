"""The console in a real Chromium, over a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from hertz.api.middleware.security import Keys
from hertz.policy.model import Policy
from hertz.storage.snapshot.history import failure_of, write_record
from hertz.storage.snapshot.snapshots import hold, new_folder
from tests.api.console.browsers import Watched, chromium, window
from tests.api.console.world import BACKWARD, FORWARD, HOSTILE, KEY, KNOWN, console
from tests.storage.manifests import manifest_of

LIST = f"/console/users/{KNOWN}?category=friend"
AUDIT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8")
HELD_RUN = "20261124T170000Z-0001"
REPORT_PAGE = """<!doctype html><title>a report</title><style>p { color: rgb(1, 2, 3) }</style>
<p>figures</p><script>document.title = "owned"</script>
<img src="https://example.com/x.png" alt="">"""
LOOKS = [("light", 1280), ("dark", 1280), ("light", 375), ("dark", 375)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    write_record(home, failure_of("20261120T170000Z-0001", "the source is gone " + "x" * 80))
    return home


@pytest.fixture(scope="module")
def server(home: Path, service_policy: Policy) -> Iterator[str]:
    """A server that asks for a key."""
    with console(home, service_policy, Keys([KEY])) as client:
        yield str(client.base_url)


@pytest.fixture(scope="module")
def open_server(home: Path, service_policy: Policy) -> Iterator[str]:
    """A server of this machine's own, without keys."""
    with console(home, service_policy) as client:
        yield str(client.base_url)


@pytest.fixture
def watched(browser: Browser, open_server: str) -> Iterator[Watched]:
    with window(browser, open_server) as watched:
        yield watched


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


def why_page(page: Page) -> None:
    page.goto(LIST)
    page.locator("a.why").first.click()
    page.wait_for_url("**/why/*")


def visit_all(page: Page) -> Iterator[str]:
    """Visits every kind of page; yields the name of each."""
    page.goto("/console")
    yield "overview"
    page.goto(LIST)
    page.locator("summary").first.click() if page.locator("summary").count() else None
    yield "list"
    page.goto("/console/users/5")
    page.locator("summary").first.click()
    yield "explanation"
    why_page(page)
    yield "why"
    page.goto("/console/users/987654")
    yield "unknown"


def test_signing_in_and_out_with_a_wrong_key_first(browser: Browser, server: str) -> None:
    phone = {"width": 375, "height": 700}
    with window(browser, server, viewport=phone) as watched:
        page = watched.page
        page.goto(LIST)
        assert page.title() == "Sign in · Hertz"
        assert page.evaluate(AUDIT) == []
        expect(page.get_by_label("API key")).to_be_focused()
        page.keyboard.type("not-the-right-key-at-all")
        page.keyboard.press("Enter")
        page.get_by_role("alert").get_by_text("does not accept that key").wait_for()
        page.get_by_label("API key").fill(KEY)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name=f"User {KNOWN}", exact=True).wait_for()
        assert page.url == server + LIST
        assert KEY not in page.url + page.content() + str(page.context.cookies())
        assert page.evaluate("document.cookie") == ""
        assert page.evaluate(AUDIT) == []
        out = page.get_by_role("button", name="Sign out")
        assert out.evaluate("button => button.getBoundingClientRect().top") < 40  # the first line
        out.click()
        page.wait_for_url("**/console/sign-in")
        page.goto("/console")
        assert "/console/sign-in" in page.url
        assert watched.complaints == []
        assert watched.hosts == {server.removeprefix("http://")}


def test_a_user_is_found_and_a_why_page_read(watched: Watched, open_server: str) -> None:
    page = watched.page
    page.goto("/console")
    page.get_by_label("User id").fill("7")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("heading", name="User 7", exact=True).wait_for()
    page.get_by_role("link", name="couple").click()
    expect(page.locator(".tabs [aria-current=page]")).to_have_text("couple")
    page.get_by_role("link", name="Next page").click()
    expect(page.locator(".match .rank").first).to_have_text("21")
    page.locator("a.why").first.click()
    page.get_by_text("The mutual score is the arithmetic mean").wait_for()
    page.get_by_role("link", name="Back to 7's lists").click()
    page.wait_for_url("**/console/users/7?category=couple")
    assert watched.complaints == []
    assert watched.hosts == {open_server.removeprefix("http://")}


@pytest.mark.parametrize(
    ("wanted", "words"), [("987654", "never registered, or removed"), ("abc", "whole number")]
)
def test_an_unknown_user_has_a_page_in_words(page: Page, wanted: str, words: str) -> None:
    page.goto("/console")
    page.get_by_label("User id").fill(wanted)
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text(words).wait_for()


def test_the_language_is_switched_and_remembered(browser: Browser, open_server: str) -> None:
    with window(browser, open_server, locale="ko-KR") as watched:
        page = watched.page
        page.goto(LIST)
        assert page.locator("html").get_attribute("lang") == "ko"
        page.get_by_role("heading", name=f"사용자 {KNOWN}", exact=True).wait_for()
        page.get_by_role("link", name="English").click()
        page.get_by_role("heading", name=f"User {KNOWN}", exact=True).wait_for()
        assert page.url == open_server + LIST
        page.goto("/console")
        assert page.locator("html").get_attribute("lang") == "en"
        page.get_by_role("link", name="한국어").click()
        page.get_by_role("heading", name="현황").wait_for()


def shares(row: Locator) -> list[list[float]]:
    """Returns left edge and width of every piece of each bar, as shares of the bar's width."""
    return row.locator("svg.bar").evaluate_all(
        """bars => bars.map(bar => { const whole = bar.getBoundingClientRect();
           return [...bar.querySelectorAll('rect')].flatMap(piece => {
             const part = piece.getBoundingClientRect();
             return [(part.left - whole.left) / whole.width, part.width / whole.width] }) })"""
    )


def test_the_bars_of_a_list_are_as_wide_as_the_parts(page: Page) -> None:
    page.goto(LIST)
    there, back = shares(page.locator("ol > .match").first)
    a, b, c = FORWARD.values()
    assert there == pytest.approx([0, a, a, b, a + b, c], abs=0.004)
    minus, b, c = BACKWARD.values()
    assert (minus, c) == (-0.2, 0)
    assert back == pytest.approx([0, 0, 0, 0, 0, 0], abs=0.004)  # -0.2 + 0.15: still below zero


def test_the_bars_of_the_why_page_start_at_zero(page: Page) -> None:
    why_page(page)
    low, high = min(BACKWARD.values()), 0.7  # the largest weight
    rows = page.locator(".terms tbody tr")
    for place, name in enumerate(FORWARD):
        for bar, side in zip(shares(rows.nth(place)), (FORWARD, BACKWARD), strict=True):
            value, zero = side[name], -low / (high - low)
            left = zero + min(value, 0) / (high - low)
            assert bar[2:] == pytest.approx([left, abs(value) / (high - low)], abs=0.004)
            assert bar[0] == pytest.approx(zero, abs=0.004)


def test_a_hostile_text_is_shown_and_does_nothing(watched: Watched) -> None:
    page = watched.page
    page.goto("/console/users/5")
    page.locator("summary").first.click()
    assert HOSTILE in page.locator(".told").first.inner_text()
    page.locator("a.why").first.click()
    page.wait_for_url("**/why/*")
    assert HOSTILE in page.get_by_role("main").inner_text()
    assert "owned" not in page.title()
    assert page.locator("script, main img").count() == 0
    assert watched.complaints == []


def test_the_search_and_the_results_are_reached_by_keyboard(page: Page) -> None:
    page.goto(LIST)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    order = []
    for _ in range(14):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.outerHTML"))
        assert outline(page) >= 2
    match = page.locator("h3 a").first.get_attribute("href")
    wanted = ['id="id"', "<button", 'aria-current="page"', f'"{match}"', 'class="why"']
    places = [next(n for n, item in enumerate(order) if part in item) for part in wanted]
    assert places == sorted(places)
    page.locator("a.skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.goto("/console")
    expect(page.get_by_label("User id")).to_be_focused()
    page.keyboard.type("7")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="User 7", exact=True).wait_for()


def outline(page: Page) -> float:
    """Returns the width in pixels of the outline around the focused element."""
    return float(
        page.evaluate(
            """() => { const style = getComputedStyle(document.activeElement);
               return style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth) }"""
        )
    )


@pytest.mark.parametrize("locale", ["ko-KR", "en-US"])
@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_page_fits_can_be_read_and_is_labelled(
    browser: Browser, open_server: str, scheme: str, width: int, locale: str
) -> None:
    size = {"width": width, "height": 800}
    with window(browser, open_server, color_scheme=scheme, viewport=size, locale=locale) as watched:
        for name in visit_all(watched.page):
            assert watched.page.evaluate(AUDIT) == [], name
        background = watched.page.evaluate("getComputedStyle(document.body).backgroundColor")
        dark = max(map(int, re.findall(r"\d+", background))) < 60
        assert dark == (scheme == "dark")
        assert watched.complaints == []


def test_headings_never_skip_a_level(page: Page) -> None:
    visited = []
    for name in visit_all(page):
        visited.append(name)
        found = page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])"
        )
        assert found[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(found)), name
    assert len(visited) == 5


def test_a_report_is_shown_with_its_own_style_and_runs_nothing(
    browser: Browser, tmp_path: Path, service_policy: Policy
) -> None:
    with console(tmp_path, service_policy) as client:
        folder = new_folder(tmp_path, HELD_RUN)
        (folder / "report.html").write_text(REPORT_PAGE, encoding="utf-8")
        hold(tmp_path, folder, manifest_of(HELD_RUN))
        with window(browser, str(client.base_url)) as watched:
            watched.page.goto("/console")
            watched.page.get_by_role("link", name=f"Report of {HELD_RUN}").click()
            words = watched.page.get_by_text("figures")
            words.wait_for()
            assert words.evaluate("word => getComputedStyle(word).color") == "rgb(1, 2, 3)"
            assert watched.page.title() == "a report"
            assert watched.hosts == {str(client.base_url).removeprefix("http://")}
            assert any("script" in complaint for complaint in watched.complaints)
