"""The page: one file, two languages, two themes, a phone; nothing in it comes from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from hertz.core.interface_texts.catalogue import text
from hertz.policy.model import Policy
from hertz.reports.figures import BlockFigures, Origins
from hertz.reports.page import (
    RUNS_SHOWN,
    block_rows,
    compared_counts,
    compared_seconds,
    duration,
    render,
    rows_of,
    without_rows_of,
)
from hertz.reports.quality import measure
from hertz.reports.runs import Counts, Outcome, RunRecord
from hertz.storage.snapshot.history import failure_of
from tests.reports.figures import HOSTILE, IDS, judged, runs_of, synthetic_run
from tests.storage.manifests import recorded_manifest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
VOID = {"meta", "input", "link", "br", "img", "hr"}


@pytest.fixture(scope="module")
def page(service_policy: Policy) -> str:
    manifest = synthetic_run(service_policy)
    return render(manifest, runs_of(manifest))


class Outline(HTMLParser):
    """Reads a page; fails on a tag that is closed but not open, or left open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_it_needs_no_other_file_no_network_and_no_script(page: str) -> None:
    outline = Outline(page)
    assert not outline.tags.keys() & {"script", "link", "img", "iframe", "object"}
    named = {name for _, attributes in outline.attributes for name in attributes}
    assert not named & {"src", "srcset", "action", "onclick"}
    assert all(a["href"].startswith("#") for _, a in outline.attributes if a.get("href"))
    assert re.findall(r"url\((?!#)|@import|https?://(?!www\.w3\.org)", page) == []


def test_every_word_is_there_in_both_languages(page: str) -> None:
    spans = Counter(re.findall(r'<span lang="(ko|en)">', page))
    assert spans["ko"] == spans["en"] > 100


def test_headings_captions_and_names_for_who_does_not_see(page: str) -> None:
    outline = Outline(page)
    assert outline.tags["h1"] == 1
    assert outline.tags["table"] == outline.tags["caption"]
    drawings = [a for _, a in outline.attributes if a.get("role") in ("img", "region")]
    assert drawings
    assert all(a.get("aria-label") for a in drawings)
    drawn = [attributes for tag, attributes in outline.attributes if tag == "svg"]
    assert len(drawn) == 6
    assert all(a["aria-hidden"] == "true" for a in drawn)
    labels = [a.get("scope") for tag, a in outline.attributes if tag == "th"]
    assert set(labels) == {"row", "col"}


def test_drawings_take_every_color_from_the_page_and_share_no_id(page: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert all("var(--" in drawing for drawing in drawings)
    assert [re.findall(r"#[0-9a-f]{6}\b|font-family", drawing) for drawing in drawings] == [[]] * 6
    ids = Counter(re.findall(r'\bid="([^"]+)"', page))
    assert {name for name, times in ids.items() if times > 1} == set()
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= ids.keys()


def test_nothing_of_the_source_is_markup(page: str) -> None:
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page


def test_users_are_named_in_rows_that_can_be_taken_out(page: str) -> None:
    named = {int(user) for user in re.findall(r"9876543\d\d", page)}
    assert len(named) >= 10
    assert named <= set(IDS)
    assert all(rows_of(page, user) for user in named)
    gone = min(named)
    left = without_rows_of(page, [gone])
    assert {int(user) for user in re.findall(r"9876543\d\d", left)} == named - {gone}
    assert re.findall(r"9876543\d\d", without_rows_of(page, named)) == []
    Outline(left)


def test_a_short_id_takes_no_longer_one_with_it(service_policy: Policy) -> None:
    manifest = synthetic_run(service_policy, ids=[1, 11, 111, 1111, 11111])
    page = render(manifest, runs_of(manifest))
    left = without_rows_of(page, [11])
    assert (rows_of(left, 11), rows_of(left, 1)) == (0, rows_of(page, 1))
    assert rows_of(left, 111) == rows_of(page, 111) > 0


def test_the_same_figures_give_the_same_page(service_policy: Policy, page: str) -> None:
    manifest = synthetic_run(service_policy)
    assert render(manifest, runs_of(manifest)) == page


def test_a_first_run_has_a_page_too(service_policy: Policy) -> None:
    manifest = synthetic_run(service_policy, first=True)
    page = render(manifest, runs_of(manifest, before=0))
    Outline(page)
    assert text("report_why_first_run", "ko") in page
    assert text("report_why_first_run", "en") in page


def test_a_run_without_any_match_has_a_page_too(service_policy: Policy) -> None:
    manifest = synthetic_run(service_policy, first=True)
    users = pl.DataFrame({"user_id": IDS, "emailDomain": ["x"] * len(IDS)})
    schema = {"row": pl.Int64, "field": pl.String, "reason": pl.String}
    nothing = pl.DataFrame(schema={
        "category": pl.String, "user_id": pl.Int64, "other_id": pl.Int64, "mutual": pl.Float32,
    })  # fmt: skip
    measured = measure(service_policy, users, nothing, pl.DataFrame(schema=schema))
    quality = judged(service_policy, measured, None)
    manifest = manifest.model_copy(update={"quality": quality})
    page = render(manifest, runs_of(manifest))
    Outline(page)
    assert text("report_none_quarantined", "en") in page


def test_outside_the_gate_it_says_so_and_how_to_publish(service_policy: Policy, page: str) -> None:
    manifest = synthetic_run(service_policy)
    command = f"hertz publish --force {manifest.run_id}"
    assert text("report_outside_note", "en") in page  # grounded = 0.1 of 30 texts
    assert command in page
    gate = [check.model_copy(update={"verdict": "ok"}) for check in manifest.quality.gate]
    quality = manifest.quality.model_copy(update={"gate": gate})
    manifest = manifest.model_copy(update={"quality": quality})
    assert command not in render(manifest, runs_of(manifest))


def ended(outcome: Outcome, seconds: dict[str, float]) -> RunRecord:
    total = {"seconds": seconds, "total_seconds": sum(seconds.values())}
    return failure_of("run", "").model_copy(update={"outcome": outcome, **total})


def test_counts_and_seconds_are_set_against_published_runs() -> None:
    counts = Counts(
        users=10,
        quarantined=0,
        eligible_pairs={"friend": 4},
        matches={"friend": 8},
        explanations=Origins(template=3, model=1),
    )
    old = counts.model_copy(update={"users": 8, "matches": {"friend": 5}})
    runs = [
        ended("published", {"embed": 9.0}),
        ended("failed", {"embed": 99.0}),
        ended("published", {"embed": 1.0}),
        ended("published", {"embed": 2.0, "new": 1.0}),
    ]
    rows = {(key, name): (now, then) for key, name, now, then in compared_counts(counts, old)}
    assert rows["common_users", ""] == (10, 8)
    assert rows["common_matches", "friend"] == (8, 5)
    assert rows["common_explanations", ""] == (4, 4)
    assert compared_seconds(runs, ["embed", "new"]) == [
        ("embed", 2.0, 5.0),
        ("new", 1.0, None),
        ("", 3.0, 5.0),
    ]


def test_blocks_of_all_categories_are_one_table_small_ones_last() -> None:
    def block(name: str | None, users: int, coverage: float) -> BlockFigures:
        return BlockFigures(blocks=1, block=name, users=users, covered=0, coverage=coverage)

    any_part = recorded_manifest().quality.categories["friend"]
    one = any_part.model_copy(update={"blocks": (block("b", 5, 1.0), block(None, 9, 0.5))})
    two = any_part.model_copy(update={"blocks": (block("a", 7, 0.2), block("b", 5, 0.4))})
    assert block_rows({"x": one, "y": two}) == [
        ("a", 7, {"y": 0.2}),
        ("b", 5, {"x": 1.0, "y": 0.4}),
        (None, 9, {"x": 0.5}),
    ]


def test_durations_are_in_seconds_minutes_or_hours() -> None:
    assert [duration(s) for s in (3.14, 119.96, 245, 3723)] == [
        "3.1 s",
        "120.0 s",
        "4:05",
        "1:02:03",
    ]


MEASURED = """<body><iframe id=f src="file://{page}" style="width:375px;height:800px"></iframe>
<script>onload = () => {{
  const page = document.getElementById('f').contentDocument, found = [];
  for (const id of ['lang-ko', 'lang-en']) {{
    page.getElementById(id).checked = true;
    found.push(page.documentElement.scrollWidth);
    found.push([...page.querySelectorAll('span[lang]')].filter(s => s.offsetParent).length);
  }}
  document.title = found.join(' ');
}}</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_on_a_phone_nothing_sticks_out_and_one_language_shows(page: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    outer = tmp_path / "outer.html"
    outer.write_text(MEASURED.format(page=tmp_path / "page.html"), encoding="utf-8")
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
        "--disable-background-networking", "--allow-file-access-from-files",
        f"--user-data-dir={tmp_path / 'user'}", "--virtual-time-budget=5000", f"file://{outer}",
    ]  # fmt: skip
    dumped = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    found = re.search(r"<title>(.*?)</title>", dumped)
    assert found is not None, dumped[:2000]
    korean_width, korean, english_width, english = map(int, found[1].split())
    assert max(korean_width, english_width) <= 375
    assert korean == english > 50


def test_the_page_shows_the_last_fourteen_runs(service_policy: Policy) -> None:
    manifest = synthetic_run(service_policy)
    runs = runs_of(manifest, before=RUNS_SHOWN - 1)
    assert len(runs) == RUNS_SHOWN
    Outline(render(manifest, runs))
