"""A home with a user to be forgotten, named in snapshots, vectors, lists and events."""

from __future__ import annotations

from pathlib import Path

from hertz.policy.model import Policy
from hertz.storage.intake.events import Request
from hertz.storage.intake.queue import Intake
from hertz.storage.settings import Settings
from tests.api.profiles import profile
from tests.stages.small_nights import small_night, small_settings, write_source

RARE, BIO = 987_654_321, "오직 한 사람만 쓴 아주 드문 자기소개 문장입니다"
SHARED = "다른 사람도 똑같이 쓴 소개"
OTHERS = list(range(1, 13))


def rows() -> list[dict[str, object]]:
    """Returns the profiles of twelve users, and of one to be forgotten whom others name."""
    found: list[dict[str, object]] = [profile(user, bio=f"소개 {user}") for user in OTHERS]
    found[2]["blockedUserIds"] = [5, RARE]
    found[3]["bio"] = SHARED
    found.append(profile(RARE, bio=BIO, blockedUserIds=[6]))
    found.append(profile(RARE, gender="XX"))
    found.append(profile(99, blockedUserIds=[RARE, "x"]))
    return found


def two_nights(folder: Path, policy: Policy, chroma: bool) -> Path:
    """Runs two nights of these users in a home below the folder, with updates between them."""
    settings = settings_in(folder, policy)
    write_source(folder / "source.jsonl", rows())
    small_night(settings, chroma)
    with Intake(settings.home) as intake:
        update = profile(RARE, bio=BIO, religion="OTHER_RELIGION")
        intake.apply(
            [
                Request("update", RARE, profile=update, key=f"k-{RARE}"),
                Request("block", 4, RARE),
                Request("update", 8, profile=profile(8, bio="소개 8", blockedUserIds=[RARE, 9])),
            ],
            lambda _: True,
        )
    small_night(settings, chroma)
    return folder


def settings_in(folder: Path, policy: Policy) -> Settings:
    """Returns the settings of the home below the folder."""
    return small_settings(folder / "home", folder / "source.jsonl", policy)
