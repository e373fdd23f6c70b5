"""The console's words, in Korean and English, and which of the two a request wants."""

from __future__ import annotations

from typing import Literal, get_args

from hertz.core.korean import attach

Language = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LANGUAGE_NAMES: dict[Language, str] = {"ko": "한국어", "en": "English"}

_TEXTS: dict[str, tuple[str, str]] = {
    # every page
    "skip": ("본문으로 건너뛰기", "Skip to content"),
    "language": ("언어", "Language"),
    "menu": ("메뉴", "Menu"),
    "overview": ("현황", "Overview"),
    "user_id": ("사용자 번호", "User id"),
    "find": ("찾기", "Find"),
    "read_only": (
        "이 콘솔은 읽기만 합니다. 아무것도 바꾸지 않습니다.",
        "This console only reads. It changes nothing.",
    ),
    "user": ("사용자 {id}", "User {id}"),
    # signing in
    "sign_in": ("로그인", "Sign in"),
    "sign_out": ("로그아웃", "Sign out"),
    "sign_in_intro": (
        "이 서버의 API 키를 입력하세요. 키는 저장되지 않으며, 30분 동안 사용하지 않으면 "
        "로그아웃됩니다.",
        "Enter one of this server's API keys. It is not stored, and you are signed out after "
        "30 minutes without use.",
    ),
    "api_key": ("API 키", "API key"),
    "wrong_key": (
        "이 서버가 받지 않는 키입니다. 키를 확인해 주세요.",
        "This server does not accept that key. Check it and try again.",
    ),
    "too_many": (
        "시도가 너무 많았습니다. {seconds}초 뒤에 다시 시도하세요.",
        "Too many attempts. Try again in {seconds} s.",
    ),
    "foreign_form": (
        "다른 사이트에서 온 로그인은 받지 않습니다. 이 페이지에서 다시 로그인하세요.",
        "A sign-in sent by another site is not accepted. Sign in on this page.",
    ),
    # a user's lists
    "categories": ("매칭 종류", "Kinds of match"),
    "no_matches": (
        "이 종류에는 보여 줄 상대가 없습니다. 만날 수 있는 상대가 없거나 차단·탈퇴로 빠졌습니다.",
        "Nobody to show in this category: no one is eligible, or all were blocked or removed.",
    ),
    "pending_title": ("다음 실행을 기다리는 중", "Waiting for the next run"),
    "pending": (
        "사용자 {id}의 등록은 접수되었지만 지금 제공 중인 스냅샷보다 최근 것입니다. 다음 실행 뒤에 "
        "목록이 생깁니다.",
        "User {id} was accepted after the served snapshot was made. The next run makes their "
        "lists.",
    ),
    "run_now": ("바로 반영하려면", "To bring them in now"),
    "matches_of": ("{category} 매칭", "Matches: {category}"),
    "legend": ("점수 구성 (가중치)", "What the score is made of (weight)"),
    "mutual": ("상호 점수", "Mutual score"),
    "mutual_short": ("상호", "mutual"),
    "looks_out": ("{a}이(가) 보는 상대", "{a} looking at the other"),
    "looked_at": ("상대가 보는 {a}", "The other looking at {a}"),
    "rank": ("순위", "Rank"),
    "why": ("근거 보기", "Why"),
    "why_of": ("사용자 {a}과(와) {b}의 매칭 근거", "Why users {a} and {b} were matched"),
    "next_page": ("다음 쪽", "Next page"),
    "first_page": ("첫 쪽", "First page"),
    "no_explanation": ("미리 만들어 둔 설명 없음", "No explanation made ahead of time"),
    "by_model": ("모델 작성", "by the model"),
    "by_template": ("템플릿 작성", "by template"),
    # why
    "on_list": ("{owner}의 목록에서 {rank}위", "Rank {rank} on {owner}'s list"),
    "not_on_list": ("{owner}의 목록에는 없음", "Not on {owner}'s list"),
    "score": ("점수", "Score"),
    "how_combined": ("상호 점수는 {how}입니다.", "The mutual score is {how}."),
    "looks_at": ("{a}이(가) 보는 {b}", "{a} looking at {b}"),
    "breakdown": ("점수 구성", "Breakdown"),
    "breakdown_note": (
        "막대는 가중치를 곱한 기여도이고, 옅은 부분은 그 항목이 더할 수 있는 최댓값(가중치)입니다.",
        "A bar is a term's weighted contribution; the pale part is the most it could add: its "
        "weight.",
    ),
    "term": ("항목", "Term"),
    "weight": ("가중치", "Weight"),
    "sum": ("합계", "Sum"),
    "profile_text": ("프로필 전체", "the whole profile"),
    "explanation": ("설명", "Explanation"),
    "reasons": ("근거가 된 사실", "What it rests on"),
    "shared": ("공통 {field}", "Shared {field}"),
    "same": ("같은 {field}", "Same {field}"),
    "near": ("비슷한 {field}", "Close {field}"),
    "wish": ("바라는 점 충족 ({field})", "Wish met ({field})"),
    "pairing": ("{field} 궁합", "{field} pairing"),
    "made_by": ("이 기록을 만든 것", "What made this record"),
    "other_side": ("상대 쪽에서 보기", "See it from the other side"),
    "back_to_lists": ("{id}의 목록으로", "Back to {id}'s lists"),
    # what is served
    "served": ("지금 제공 중", "Served now"),
    "healthy": ("정상", "Healthy"),
    "attention": ("확인 필요", "Needs attention"),
    "unavailable": ("제공 불가", "Unavailable"),
    "health": ("상태", "Health"),
    "all_well": (
        "게시된 스냅샷이 그대로 제공되고 있습니다.",
        "The published snapshot is the one that is served.",
    ),
    "snapshot": ("스냅샷", "Snapshot"),
    "made": ("만든 시각", "Made"),
    "users": ("사용자", "Users"),
    "policy": ("정책", "Policy"),
    "embedding_model": ("임베딩 모델", "Embedding model"),
    "language_model": ("언어 모델", "Language model"),
    "template_only": ("없음 (템플릿)", "none (template)"),
    "intake": ("접수된 변경", "Changes taken in"),
    "folded": ("{n}번까지 반영", "folded up to no. {n}"),
    # runs
    "runs": ("실행 이력", "Run history"),
    "no_runs": ("아직 실행 기록이 없습니다.", "No run so far."),
    "run": ("실행", "Run"),
    "outcome": ("결과", "Outcome"),
    "matched": ("매칭", "Matches"),
    "explained": ("설명", "Explanations"),
    "quarantined": ("격리", "Quarantined"),
    "seconds": ("소요", "Took"),
    "report": ("리포트", "Report"),
    "report_of": ("{run} 리포트", "Report of {run}"),
    "is_current": ("제공 중", "served"),
    "outcome_published": ("게시됨", "published"),
    "outcome_held": ("게시 보류", "held back"),
    "outcome_failed": ("실패", "failed"),
    "forced": ("사람이 강제로 게시함", "published by a person, past the gate"),
    "coverage": ("매칭된 비율", "Covered"),
    "go_back": ("이전 스냅샷으로 되돌리기", "Going back to an older snapshot"),
    "go_back_note": (
        "서버에서 아래 명령을 실행하면 1초 안에 그 스냅샷이 제공됩니다. 줄을 누르면 전체가 "
        "선택됩니다.",
        "Run one of these on the server; the snapshot is served within a second. "
        "A click selects the whole line.",
    ),
    "nothing_older": (
        "되돌아갈 이전 스냅샷이 없습니다.",
        "No older snapshot is kept to go back to.",
    ),
    "publish_held": ("보류된 스냅샷 게시하기", "Publishing a snapshot that was held back"),
    "publish_held_note": (
        "리포트에서 이유를 확인한 뒤에만 실행하세요.",
        "Only after a look at its report and the reason.",
    ),
    # time
    "just_now": ("방금", "just now"),
    "minutes_ago": ("{n}분 전", "{n} min ago"),
    "hours_ago": ("{n}시간 전", "{n} h ago"),
    "days_ago": ("{n}일 전", "{n} d ago"),
    # what goes wrong
    "unknown_user_title": ("사용자를 찾을 수 없음", "No such user"),
    "unknown_user": (
        "이 번호의 사용자는 등록된 적이 없거나 삭제되었습니다.",
        "Nobody with this id: never registered, or removed.",
    ),
    "unknown_match_title": ("매칭이 아님", "Not a match"),
    "unknown_match": (
        "두 사용자는 지금 서로의 목록에 없습니다. 매칭된 적이 없거나, 차단했거나, 다음 실행을 "
        "기다리고 있습니다.",
        "These two are on neither's list now: never matched, blocked, or waiting for the next run.",
    ),
    "expired_title": ("새 스냅샷이 게시됨", "A newer snapshot is served"),
    "expired": (
        "이 페이지는 이전 스냅샷의 것입니다. 목록을 처음부터 다시 보세요.",
        "This page is of an older snapshot. Begin the list again.",
    ),
    "bad_id_title": ("사용자 번호가 아님", "Not a user id"),
    "bad_id": (
        "사용자 번호는 {minimum} 이상의 정수입니다.",
        "A user id is a whole number, {minimum} or more.",
    ),
    "bad_address_title": ("잘못된 주소", "This address does not work"),
    "bad_address": (
        "주소의 일부가 올바르지 않습니다. 위에서 사용자를 찾아 다시 시작하세요.",
        "Part of the address is not valid. Find a user above to begin again.",
    ),
    "no_page_title": ("없는 페이지", "No such page"),
    "no_page": ("이 주소에는 아무것도 없습니다.", "There is nothing at this address."),
    "no_report_title": ("리포트 없음", "No report"),
    "no_report": (
        "이 실행의 스냅샷이 더 이상 없거나 리포트를 남기지 않았습니다.",
        "The snapshot of this run is no longer kept, or it left no report.",
    ),
    "nothing_served_title": ("제공할 스냅샷이 없음", "No snapshot can be served"),
    "nothing_served": (
        "현황 페이지에 이유가 있습니다.",
        "The overview says why.",
    ),
}

TEXTS: dict[Language, dict[str, str]] = {
    language: {name: both[place] for name, both in _TEXTS.items()}
    for place, language in enumerate(LANGUAGES)
}


def say(language: Language, name: str, **values: object) -> str:
    """One of the texts with its values, in Korean with the particles that fit them."""
    return attach(TEXTS[language][name].format(**values))


def wanted_language(remembered: str | None, accepted: str) -> Language:
    """The language that was chosen before; otherwise the best of an Accept-Language header."""
    for language in LANGUAGES:
        if remembered == language:
            return language
    ranked: list[tuple[float, Language]] = []
    for part in accepted.split(","):
        name, _, quality = part.strip().partition(";q=")
        found = [language for language in LANGUAGES if name.lower().split("-")[0] == language]
        ranked += [(-_quality(quality), language) for language in found]
    return min(ranked, key=lambda item: item[0])[1] if ranked else "en"


def _quality(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
