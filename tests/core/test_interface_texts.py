"""The interface texts: the same keys and variables in both languages, all of them used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import hertz
from hertz.core.interface_texts.catalogue import Catalogue, packaged_catalogue, text
from hertz.core.korean import FORMS
from hertz.policy.model import Policy
from hertz.reports.figures import Verdict
from hertz.reports.page import TRENDS
from hertz.storage.snapshot.history import Outcome

FOLDER = Path(hertz.__file__).parent
USERS = ("api/**/*.py", "api/**/*.html", "reports/*.py", "reports/*.jinja")
COMBINATIONS = get_args(Policy.model_fields["combine"].annotation)
WHY = (
    *("first_run", "policy_changed", "model_changed", "few_users", "few_candidates", "nothing"),
    *("coverage", "users_lost", "churn", "score_shift", "quarantined", "grounded"),
)
COUNTED = (  # of the explain stage
    *("candidates", "accepted", "retried", "bios_cut", "prompt_tokens", "cached_tokens"),
    *("output_tokens", "generating_seconds", "engine_restarts", "prefix_hits", "grounded"),
)
# What the code appends to a part of a key: every text of these is there.
APPENDED: dict[str, tuple[str, ...]] = {
    "common_combined_": COMBINATIONS,
    "console_outcome_": get_args(Outcome),
    "console_state_": ("healthy", "attention", "unavailable"),
    "console_origin_": ("model", "template"),
    "console_reason_": ("shared", "same", "near", "wish", "pairing"),
    "report_verdict_": tuple(name.replace(" ", "_") for name in get_args(Verdict)),
    "report_at_": ("least", "most"),
    "report_origin_": ("model", "reused", "template"),
    "report_why_": WHY,
    "report_": (*TRENDS, *WHY[6:], *COUNTED, "users_new", "users_lost", "median"),
}


def catalogue(ko: str, en: str) -> Catalogue:
    return Catalogue({"ko": ko, "en": en})


def quoted() -> set[str]:
    """Keys, and parts of keys that end in an underscore, that templates and code hold."""
    files = [file for pattern in USERS for file in FOLDER.glob(pattern)]
    found: set[str] = set()
    for file in files:
        source = file.read_text(encoding="utf-8")
        found |= set(re.findall(r"[\"']((?:common|console|report)_\w*):?[{\"']", source))
    return found


def test_every_key_in_templates_and_code_has_a_text() -> None:
    found = quoted()
    assert len(found) > 150
    keys = packaged_catalogue().keys
    assert {key for key in found if not key.endswith("_")} - keys == set()
    assert {key for key in found if key.endswith("_")} == APPENDED.keys()
    for start, ends in APPENDED.items():
        assert {start + end for end in ends} - keys == set()


def test_every_text_is_used() -> None:
    used = quoted() | {start + end for start, ends in APPENDED.items() for end in ends}
    used |= {f"{key}_title" for key in used}
    assert packaged_catalogue().keys - used == set()


def test_korean_texts_are_korean_and_english_ones_are_not() -> None:
    found = packaged_catalogue()
    values = dict.fromkeys(("id", "seconds", "category", "user", "other", "rank", "owner"), "1")
    values |= dict.fromkeys(("how", "field", "n", "run", "minimum"), "1")
    for key in found.keys:
        assert re.search("[가-힣]|×", found.text(key, "ko", **values)), key
        assert not re.search("[가-힣]", found.text(key, "en", **values)), key


def test_a_text_is_filled_in_and_numbers_stay_as_they_are() -> None:
    found = catalogue("a = { $n }번 { $who }", "a = no. { $n } of { $who }")
    assert found.text("a", "en", n=12345, who="x") == "no. 12345 of x"
    assert found.text("a", "ko", n=12345, who="{ $n }") == "12345번 { $n }"


@pytest.mark.parametrize("marker", FORMS)
def test_korean_particles_fit_the_value_before_them(marker: str) -> None:
    found = catalogue(f"a = {{ $n }}{marker} b", "a = { $n } b")
    closed, opened = FORMS[marker]
    assert found.text("a", "ko", n=3) == f"3{closed} b"
    assert found.text("a", "ko", n=2) == f"2{opened} b"


def test_korean_particles_in_the_console() -> None:
    assert text("console_why_of", "ko", user=42, other=7) == "사용자 42와 7의 매칭 근거"
    assert text("console_why_of", "ko", user=43, other=7) == "사용자 43과 7의 매칭 근거"


@pytest.mark.parametrize(
    ("ko", "en", "named"),
    [
        ("a = x\nb = y", "a = x", "en.ftl: the key 'b' is missing"),
        ("a = x", "a = x\nb = y", "ko.ftl: the key 'b' is missing"),
        ("a = x { $n }", "a = x", "'a': ko.ftl has the variables ['n'], en.ftl []"),
        ("a = x\na = y", "a = x", "ko.ftl: the key 'a' stands there twice"),
        ("a = x {", "a = x", "ko.ftl: not valid Fluent: 'a = x {'"),
        ("a =\n    .title = x", "a = x", "interface text 'a' (ko): it has no value"),
        ("a = { b }", "a = x", "interface text 'a' (ko): Unknown message: b"),
    ],
)
def test_files_that_differ_or_are_not_valid_are_refused(ko: str, en: str, named: str) -> None:
    with pytest.raises(ValueError, match=re.escape(named)):
        catalogue(ko, en)


def test_a_missing_key_or_value_is_an_error_that_names_it() -> None:
    found = catalogue("a = { $n }", "a = { $n }")
    with pytest.raises(KeyError, match="no interface text 'b'"):
        found.text("b", "en")
    with pytest.raises(ValueError, match="'a' \\(en\\): Unknown external: n"):
        found.text("a", "en")
