"""The console over HTTP: it shows what the API answers, and hides what the API hides."""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hertz.api.app import create_app
from hertz.policy.load import parse_policy
from hertz.policy.model import Policy
from hertz.reports.figures import Origins
from hertz.reports.runs import Counts
from hertz.storage.snapshot.history import failure_of, record_of, write_record
from hertz.storage.snapshot.snapshots import hold, new_folder
from tests.api.console.world import HOSTILE, IDS, KNOWN, RUN, console, console_frames
from tests.api.profiles import profile
from tests.api.servers import eventually, served_home
from tests.nights import ROOT
from tests.storage.manifests import manifest_of
from tests.storage.runs import publish_frames

NEXT_RUN = "20261123T170000Z-0001"
NOBODY = 987_654
PAGES = ["/console", "/console/users/3", "/console/users/3/why/{other}", "/console/users/987654"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def client(home: Path, service_policy: Policy) -> Iterator[httpx.Client]:
    with console(home, service_policy) as client:
        yield client


def listed(client: httpx.Client, user: int, category: str = "general") -> list[int]:
    body = client.get(f"/matches/{user}", params={"category": category, "limit": 1000}).json()
    return [entry["userId"] for entry in body["matches"]]


def shown(page: httpx.Response) -> list[int]:
    assert page.status_code == 200
    return [int(user) for user in re.findall(r'<h3><a href="/console/users/(\d+)\?', page.text)]


def words(page: httpx.Response) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))


@pytest.mark.parametrize("category", ["general", "friend", "couple"])
def test_the_pages_of_a_list_are_the_list_of_the_api(client: httpx.Client, category: str) -> None:
    path, found = f"/console/users/7?category={category}", []
    while path:
        page = client.get(path)
        found.append(shown(page))
        links = re.findall(r'rel="next" href="([^"]+)"', page.text)
        path = html.unescape(links[0]) if links else ""
    assert [len(part) for part in found] == [20, 20, 5]
    assert [user for part in found for user in part] == listed(client, 7, category)


def test_a_match_shows_its_scores_both_ways(client: httpx.Client) -> None:
    body = client.get(f"/matches/{KNOWN}?category=friend&limit=1").json()["matches"][0]
    page = words(client.get(f"/console/users/{KNOWN}?category=friend"))
    assert f"{body['mutual']:.3f} mutual" in page
    other = body["userId"]
    assert re.search(rf"{KNOWN} → {other} .*? 0\.575 {other} → {KNOWN} .*? -0\.050 ", page)
    assert "profile similarity 0.70 MBTI pairing 0.15 age group 0.15" in page


def test_the_why_page_is_the_why_record(client: httpx.Client) -> None:
    other = listed(client, KNOWN, "friend")[0]
    record_of_match = client.get(f"/matches/{KNOWN}/{other}/why?category=friend").json()
    page = words(client.get(f"/console/users/{KNOWN}/why/{other}?category=friend"))
    assert "the arithmetic mean of the two directional scores" in page
    assert f"(0.5750 + -0.0500) ÷ 2 = {record_of_match['score']['mutual']:.4f}" in page
    for term in record_of_match["terms"]:
        row = f"{term['label']['en']} .*?{term['weight']:.2f} .*?{term['forward']:.4f}"
        assert re.search(f"{row} .*?{term['backward']:.4f}", page)
    assert f"Rank 1 on {KNOWN}'s list" in page
    assert record_of_match["policy"]["hash"][:12] in page
    assert RUN in page


def test_the_categories_of_the_why_page_are_those_in_which_they_are_matched(
    client: httpx.Client,
) -> None:
    user, other = 9, listed(client, 9, "couple")[0]
    matched = [
        name
        for name in ("general", "friend", "couple")
        if client.get(f"/matches/{user}/{other}/why?category={name}").status_code == 200
    ]
    page = client.get(f"/console/users/{user}/why/{other}?category=couple")
    assert re.findall(rf'why/{other}\?category=(\w+)"', page.text) == matched


def test_the_content_of_a_text_is_never_markup(client: httpx.Client) -> None:
    other = listed(client, 5)[0]
    for path in ("/console/users/5", f"/console/users/5/why/{other}?category=general"):
        page = client.get(path)
        assert f"{HOSTILE} title" in html.unescape(page.text)
        assert "<script" not in page.text
        assert "<img src=x" not in page.text
    searched = client.get("/console/users", params={"id": HOSTILE[:30]})
    assert "<script" not in searched.text
    assert "<script" not in client.get("/console/nothing", params={"x": HOSTILE}).text


def test_search_leads_to_the_user(client: httpx.Client) -> None:
    answer = client.get("/console/users", params={"id": "  7 "})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/users/7")


@pytest.mark.parametrize("wanted", ["", "x", "7.5", "4_2", "４２", "99999999999999999999"])
def test_a_search_for_no_id_is_refused(client: httpx.Client, wanted: str) -> None:
    page = client.get("/console/users", params={"id": wanted})
    assert page.status_code == 422
    assert "A user id is a whole number, 1 or more." in words(page)


@pytest.mark.parametrize("path", ["/console/users/0", "/console/users/x", "/console/users/1/why/x"])
def test_an_address_with_an_invalid_id_is_refused(client: httpx.Client, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 422
    assert "Not a user id" in words(page)


@pytest.mark.parametrize("query", ["category=enemy", "cursor=nonsense"])
def test_an_address_with_an_invalid_parameter_is_refused(client: httpx.Client, query: str) -> None:
    page = client.get(f"/console/users/7?{query}")
    assert page.status_code == 422
    assert "Part of the address is not valid" in words(page)


def test_users_who_are_not_matched(client: httpx.Client) -> None:
    apart = (u for u in IDS if u not in (7, *listed(client, 7)) and 7 not in listed(client, u))
    other = next(apart)
    page = client.get(f"/console/users/7/why/{other}?category=general")
    assert page.status_code == 404
    assert "These two are on neither's list now" in words(page)
    assert "Nobody to show" in words(client.get(f"/console/users/{IDS[-1]}"))


def test_an_unknown_address_has_a_page(client: httpx.Client) -> None:
    page = client.get("/console/what/is/this")
    assert page.status_code == 404
    assert "There is nothing at this address" in words(page)


def test_no_page_may_load_or_run_anything_or_be_kept(client: httpx.Client) -> None:
    other = listed(client, 3)[0]
    for path in [*PAGES, "/console/nothing", "/console/users?id=x"]:
        headers = client.get(path.format(other=other)).headers
        rules = headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "style-src 'self'", "frame-ancestors 'none'"} <= {*rules}
        assert "script-src" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"


def test_the_style_sheet_is_kept_until_it_changes(client: httpx.Client) -> None:
    address = re.findall(r'href="(/console/console.css[^"]+)"', client.get("/console").text)[0]
    answer = client.get(address)
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]


def test_the_console_is_no_part_of_the_api_document(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert "/matches/{userId}" in paths
    assert not [path for path in paths if "console" in path]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("en-GB,ko;q=0.5", "en"), ("fr", "en"), ("ko;q=x", "ko")],
)
def test_the_browser_chooses_the_language(
    client: httpx.Client, accepted: str, language: str
) -> None:
    page = client.get("/console/users/7", headers={"accept-language": accepted})
    assert f'<html lang="{language}">' in page.text
    assert ("사용자 7" in page.text) == (language == "ko")
    assert ("프로필 유사도" in page.text) == (language == "ko")


def test_a_chosen_language_is_remembered(home: Path, client: httpx.Client) -> None:
    with httpx.Client(base_url=client.base_url, headers={"accept-language": "en"}) as browser:
        page = browser.get("/console/users/7?category=couple")
        link = html.unescape(re.findall(r'href="(/console/language/ko[^"]+)"', page.text)[0])
        answer = browser.get(link)
        assert answer.headers["location"] == "/console/users/7?category=couple"
        assert '<html lang="ko">' in browser.get("/console").text


def test_a_cursor_of_an_older_snapshot_has_expired(tmp_path: Path, service_policy: Policy) -> None:
    with console(tmp_path, service_policy) as client:
        link = re.findall(r'rel="next" href="([^"]+)"', client.get("/console/users/7").text)[0]
        publish_frames(tmp_path, service_policy, NEXT_RUN, console_frames(service_policy))
        eventually(lambda: NEXT_RUN in client.get("/console/users/7").text)
        page = client.get(html.unescape(link))
    assert page.status_code == 410
    assert "A newer snapshot is served" in words(page)


def test_blocks_and_deletions_act_at_once(tmp_path: Path, service_policy: Policy) -> None:
    with console(tmp_path, service_policy) as client:
        blocked, gone = shown(client.get("/console/users/7"))[:2]
        client.post(f"/blocks/7/{blocked}")
        client.delete(f"/api/v3/users/{gone}")
        left = shown(client.get("/console/users/7"))
        assert {blocked, gone}.isdisjoint(left)
        assert left == listed(client, 7)[:20]
        assert client.get(f"/console/users/7/why/{blocked}").status_code == 404
        removed, unknown = (client.get(f"/console/users/{user}") for user in (gone, NOBODY))
        assert (removed.status_code, unknown.status_code) == (404, 404)
        assert words(removed).replace(str(gone), "") == words(unknown).replace(str(NOBODY), "")


def test_a_user_newer_than_the_snapshot_is_pending(tmp_path: Path, service_policy: Policy) -> None:
    with console(tmp_path, service_policy) as client:
        client.post("/api/v3/users", json=profile(1001))
        page = client.get("/console/users/1001")
    assert page.status_code == 200
    assert "User 1001 was accepted after the served snapshot was made" in words(page)
    assert "hertz nightly --incremental" in words(page)


def test_another_policy_in_a_language_it_lacks(tmp_path: Path) -> None:
    text = (ROOT / "policies" / "okcupid.toml").read_text(encoding="utf-8")
    policy = parse_policy(tomllib.loads(text)["policy"])
    publish_frames(tmp_path, policy, RUN, console_frames(policy))
    with served_home(tmp_path) as client:
        user = client.get("/console/users/7", headers={"accept-language": "ko"})
        other = shown(user)[0]
        page = words(client.get(f"/console/users/7/why/{other}"))
    assert "사용자 7" in user.text
    assert "age" in words(user)
    assert re.search(r"2 × 0\.\d{4} × 0\.\d{4} ÷ \(0\.\d{4} \+ 0\.\d{4}\)", page)


def test_before_the_first_run_the_overview_says_what_is_missing(tmp_path: Path) -> None:
    with served_home(tmp_path) as client:
        client.headers["accept-language"] = "en"
        first = client.get("/console")
        assert first.status_code == 200
        assert "Unavailable" in words(first)
        assert "no snapshot published yet" in words(first)
        assert str(tmp_path) not in first.text
        assert client.get("/console/users/7").status_code == 503


def test_a_problem_is_shown_while_the_last_good_snapshot_is_served(
    tmp_path: Path, service_policy: Policy
) -> None:
    with console(tmp_path, service_policy) as client:
        (tmp_path / "CURRENT").write_text("nonsense", encoding="utf-8")
        eventually(lambda: "Needs attention" in words(client.get("/console")))
        found = words(client.get("/console"))
        assert "names 'nonsense', which is not a snapshot" in found
        assert str(tmp_path) not in found
        assert shown(client.get("/console/users/7"))


def test_the_overview_shows_the_served_snapshot_and_the_runs(
    tmp_path: Path, service_policy: Policy
) -> None:
    counts = Counts(
        users=12_345,
        quarantined=6,
        eligible_pairs={},
        matches={"friend": 3, "couple": 4},
        explanations=Origins(model=1, template=8),
    )
    run = record_of(manifest_of("20261121T170000Z-0001", counts=counts), "published")
    write_record(tmp_path, run.model_copy(update={"quality": None, "total_seconds": 61.4}))
    failure = failure_of("20261120T170000Z-0001", "the source <b>is</b> gone\nmore")
    write_record(tmp_path, failure)
    with console(tmp_path, service_policy) as client:
        page = client.get("/console")
        found = words(page)
    assert "Healthy" in found
    rows = re.findall(r'role="rowheader" scope="row"><span class="num">([^<]+)', page.text)
    assert rows == [RUN, "20261121T170000Z-0001", "20261120T170000Z-0001"]
    assert "published 12,345 7 9 6 – 61 s" in found
    assert "failed the source <b>is</b> gone" in found
    assert "No older snapshot is kept" in found


def test_older_and_held_snapshots_come_with_the_command_and_their_report(
    tmp_path: Path, service_policy: Policy
) -> None:
    with console(tmp_path, service_policy) as client:
        publish_frames(tmp_path, service_policy, NEXT_RUN, console_frames(service_policy))
        folder = new_folder(tmp_path, "20261124T170000Z-0001")
        (folder / "report.html").write_text("<script>1</script><p>figures</p>", encoding="utf-8")
        hold(tmp_path, folder, manifest_of("20261124T170000Z-0001"))
        eventually(lambda: f"hertz rollback --to {RUN}" in words(client.get("/console")))
        found = client.get("/console")
        assert "hertz publish --force 20261124T170000Z-0001" in words(found)
        links = re.findall(r'href="(/console/runs/[^"]+)"', found.text)
        assert links == ["/console/runs/20261124T170000Z-0001/report"]
        report = client.get(links[0])
        assert report.text == "<script>1</script><p>figures</p>"
        rules = report.headers["content-security-policy"]
        assert "default-src 'none'" in rules
        assert "sandbox" in rules
        assert "script-src" not in rules
        for run in (RUN, "20261125T170000Z-0001", "..%2F..%2FCURRENT", ".held-x"):
            assert client.get(f"/console/runs/{run}/report").status_code == 404


def test_metrics_name_the_templates_of_the_pages(home: Path) -> None:
    with served_home(home) as client:
        client.get("/console/users/7")
        client.get("/console/x/y")
        metrics = client.get("/metrics").text
    assert 'route="/console/users/{userId}"' in metrics
    assert 'route="/console/{rest:path}"' in metrics
    assert "x/y" not in metrics


def test_the_application_needs_no_keys_object(tmp_path: Path) -> None:
    assert create_app(tmp_path).state.sessions.needed is False
