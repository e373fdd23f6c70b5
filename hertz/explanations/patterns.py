"""Words and forms that no text about two people may contain, by what is wrong with them.

In: a text in lower case. Out: whether something of a kind is in it. English words are looked up as
whole words, Korean ones and phrases as parts of a text, since particles and endings are written
together; patterns only where a cheap hint of them is there: this runs for every text, and so one
pass over it finds the parts and hints of all kinds at once (`PARTS`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from string import ascii_lowercase

from hertz.explanations.multi_search import Needles

_LETTERS = bytes(ord(" ") if chr(byte) not in ascii_lowercase else byte for byte in range(256))
_KINDS = ("shared", "wish", "pairing", "same", "near", "complement", "user", "system")


@dataclass(frozen=True, slots=True)
class Words:
    """Forbidden words of one kind: English ones whole, Korean ones and phrases anywhere."""

    whole: frozenset[str]
    parts: frozenset[str]
    guarded: Mapping[str, re.Pattern[str]]  # patterns, by the hint without which none is there

    def within(
        self, lower: str, tokens: Iterable[str] | None = None, hits: Collection[str] | None = None
    ) -> bool:
        """Is one of them in a text in lower case?

        Args:
            lower: The text.
            tokens: `latin_words` of it, where known; those that `WHOLE` lists do.
            hits: What `PARTS` finds in it, where known.
        """
        hits = PARTS.found_in(lower) if hits is None else hits
        if not self.parts.isdisjoint(hits):
            return True
        if not self.whole.isdisjoint(latin_words(lower) if tokens is None else tokens):
            return True
        return any(self.guarded[hint].search(lower) for hint in self.guarded.keys() & hits)

    def without(self, labels: Iterable[str]) -> Words:
        """The same, less what stands in one of these labels: those are judged as claims."""
        text = "\n".join(labels)
        parts = frozenset(part for part in self.parts if part not in text)
        return Words(self.whole.difference(latin_words(text)), parts, self.guarded)


def latin_words(lower: str) -> list[str]:
    """The runs of letters from a to z in a text in lower case, in order."""
    return lower.encode(errors="replace").translate(_LETTERS).decode().split()


def _words(whole: str, parts: str, *guarded: tuple[str, str]) -> Words:
    # an underscore in `parts` stands for a space
    phrases = frozenset(part.replace("_", " ") for part in parts.split())
    patterns = {hint: re.compile(pattern) for hint, pattern in guarded}
    return Words(frozenset(whole.split()), phrases, patterns)


_ENDINGS = ".com .net .org .kr .io .me .gg .ly .app .xyz .shop .info"
_ASKS = "text call add message contact follow find reach dm"
CONTACT = _words(
    "kakao kakaotalk katalk telegram whatsapp instagram insta discord snapchat wechat tiktok "
    "facebook twitter youtube email mail gmail dm phone telephone http https www url website "
    "username inbox onlyfans viber skype",
    "카톡 카카오 카_톡 ㅋㅌ ㅋㅏ톡 까톡 깨톡 오픈채팅 오픈톡 옵챗 텔레그램 인스타 디스코드 "
    "페이스북 페북 트위터 디엠 유튜브 틱톡 라인_아이디 톡_아이디 아이디는 아이디로 전화번호 "
    "핸드폰 휴대폰 연락처 이메일 메일_주소 골뱅이 닷컴 점컴 쩜컴 홈페이지 사이트 블로그 번호는 "
    "번호로 전화해 전화_주세요 문자_주세요 문자해 연락_주세요 연락주세요 @ :// (at) (dot) "
    "_dot_com _line_id _chat_id _my_id _id: _id_is _ig: handle_is my_handle",
    *((end, rf"{re.escape(end)}\b") for end in (*_ENDINGS.split(), ". com", ". net", ". org")),
    *((f"{do} me", rf"\b{do} me\b") for do in (*_ASKS.split(), "write to")),
)
SOLICITATION = _words(
    "click subscribe discount promo coupon wallet refund giveaway voucher sponsor sponsored "
    "advertisement venmo paypal",
    "계좌 송금 입금 클릭 수익률 수익_보장 무료_체험 할인 쿠폰 구매하 가입하세요 가입하시 "
    "투자하세요 투자해_보세요 대출 추천인 후원 리딩방 링크 bank_account wire_transfer wire_money "
    "send_money buy_now free_trial sign_up_ link_in_",
)
_HEARTS = (
    "\u2661\u2665\u2763\u2764\U0001f470\U0001f5a4\U0001f60d\U0001f617\U0001f618\U0001f619\U0001f61a"
    "\U0001f63b\U0001f90d\U0001f90e\U0001f935\U0001f970\U0001f9e1\U0001fa75\U0001fa76\U0001fa77"
    "\U0001faf6\U0001f339"
) + "".join(map(chr, range(0x1F48B, 0x1F4A0)))
ROMANCE = _words(
    "love loves loved loving lover lovers lovebirds beloved lovestruck romance romances romantic "
    "romantically date dates dated dating flirt flirts flirting flirty crush crushes kiss kisses "
    "kissing marry married marriage marriages wedding weddings boyfriend boyfriends girlfriend "
    "girlfriends soulmate soulmates sweetheart sweethearts couple couples intimate intimacy "
    "seduce seductive spouse spouses husband wife bride groom fiance cupid valentine honeymoon "
    "heartthrob heartbeat heartstrings butterflies swoon swooning cuddle cuddles smitten affair "
    "enamored courtship darling hearts",
    "사랑 연애 커플 데이트 로맨 로멘 설레 설렘 설렌 두근 핑크빛 결혼 키스 애인 남친 여친 심쿵 "
    "하트 열애 고백 반했 반하게 소개팅 프러포즈 프로포즈 청혼 천생연분 스킨십 포옹 이상형 짝사랑 "
    "첫눈에 달달한_분위기 달달한_사이 달달한_만남 밀당 백년가약 러브 운명의_상대 운명의_짝 "
    "가슴이_뛰 심장이_뛰 꽁냥 soul_mate sparks_fly sparks_will_fly sparks_are_flying "
    "more_than_friends more_than_just_friends for_each_other's_heart falling_for_ fall_for_each "
    "falls_for_ head_over_heels engaged_to 남자_친구 여자_친구 남자친구 여자친구",
    ("썸", r"썸[을은이 ]"),
    ("연인", r"(?<!인)연인"),
    ("사귀", r"(?<!친구를 )(?<!친구 )사귀"),
    ("배우자", r"배우자(?:감|로|의|가|를)"),
    *((picture, picture) for picture in _HEARTS),
)
OFFENSIVE = _words(
    "fuck fucks fucked fucking shit bullshit bitch bitches asshole bastard dick cunt slut whore "
    "sex sexy sexual sexually nude nudes naked porn horny rape raped nazi hitler kill kills "
    "killed killing suicide murder ugly fat stupid idiot idiots loser losers moron pathetic "
    "worthless disgusting creepy creep trash retard retarded terrorist drugs cocaine heroin scam "
    "scammer liar cheater escort",
    "씨발 시발놈 시발년 씨빨 ㅅㅂ ㅂㅅ 병신 개새끼 이_새끼 새끼야 존나 좆 섹스 야동 _야한 변태 "
    "죽어라 죽어버 죽여 죽일 자살 꺼져 못생 못난 뚱뚱 돼지_같 찐따 멍청 바보 한남충 김치녀 창녀 "
    "걸레 미친놈 미친년 쓰레기_같 혐오 역겨 사기꾼 거짓말쟁이 바람둥이 마약 원나잇 조건만남 "
    "성매매 옷을_벗 알몸 강간 잠자리를",
)
LEAK = _words(
    "chatbot chatgpt gpt openai qwen llama json schema tokens jailbreak jailbroken hacked pwned "
    "instruction instructions override assistant developer sudo admin administrator password "
    "untrusted",
    "프롬프트 언어_모델 언어모델 인공지능 지시문 지시를 지시에 지시대로 지시한 지시받 시스템 "
    "명령 챗봇 챗gpt 스키마 제이슨 해킹 관리자 비밀번호 개발자 탈옥 역할극 출력하라 무시하고 "
    "무시하라 무시하세요 my_prompt the_prompt this_prompt your_prompt system_prompt as_an_ai "
    "i_am_an_ai i'm_an_ai ai_model language_model system_message system_note ignore_all "
    "ignore_any ignore_the ignore_previous ignore_prior ignore_my ignoring_ i_cannot_ i_can_not_ "
    "i_am_unable we_are_unable i'm_sorry i_am_sorry an_ai_ ai입니다 ai로서 ai이므로 "
    "도와드릴_수_없 도와_드릴_수_없 죄송합니다 죄송하지만",
    ("can't", r"\b(?:i|we) can't\b(?! (?:wait|help|stop|get enough))"),
    *((f"{kind}:", rf"(?:^|\n|[.!?] ){kind}:") for kind in _KINDS),
)
INVENTED = _words(  # what no shipped profile tells: work, money, looks, homes, health, the past
    "doctor doctors lawyer lawyers nurse professor celebrity millionaire millionaires "
    "billionaire wealthy salary income heir mansion ferrari harvard graduate graduates colleague "
    "colleagues coworker coworkers classmate classmates neighbour roommate roommates sibling "
    "siblings cousin cousins brother sister mother father parents divorced widowed ex exes "
    "cancer illness diagnosed depressed therapy tall taller handsome gorgeous attractive blonde "
    "muscular military army veteran seoul busan incheon london tokyo paris",
    "의사입 의사인_ 의사로_ 의사이 의사라 변호사 간호사 교사입 교사로 공무원 회계사 판사 검사로 "
    "검사입 교수 연예인 아이돌 대기업 연봉 월급 부자입 부자인 부자라 큰_부자 재벌 건물주 금수저 "
    "자산가 외제차 서울대 연세대 고려대 명문대 학벌 의대 동창 동료 직장_상사 이혼 돌싱 전남편 "
    "전처 전_남친 과거에 전과 범죄 우울증 환자 미남 미녀 잘생 예쁜_얼굴 예쁘게_생 외모 훈남 훈녀 "
    "몸매 키가_크 키가_큰 키가_작 장신 근육 강남에 부산에 서울에 홍대에서 이웃집에 형제 자매 "
    "남매 부모님 어머니 아버지 아들이 딸이_ 군인 재산 _works_as_a _worked_as_ _working_as_ "
    "_he_works _she_works who_works them_works other_works _is_rich. _is_rich_and _are_rich. "
    "very_rich filthy_rich _live_in_ _lives_in_ _living_in_ born_in_ grew_up used_to_be "
    "_years_old _year_old known_each_other next_door_to 어린_시절 오랜_친구였 알고_지낸 "
    "같은_학교 같은_회사 같은_동네 같은_대학",
)
OVERSTATED = _words(
    "",
    "찰떡궁합 찰떡_궁합 최고의_궁합 환상의_궁합 환상의_짝 환상의_조합 천생연분 완벽한_궁합 "
    "완벽한_조합 완벽한_짝 궁합이_아주_좋 perfect_match perfect_pair perfect_combination "
    "perfect_score ideal_match ideal_pair best_match best_pair best_possible flawless_match "
    "flawless_pair made_for_each_other match_made_in_heaven",
)
PLACEHOLDER = _words(
    "xx xxx xxxx ooo oooo null undefined lorem ipsum",
    "홍길동 john_doe jane_doe ○○ ●● ◯◯ □□ n/a 사용자_a 사용자_b 사용자_1 사용자1 회원_a 회원_b "
    "사람_a 사람_b 프로필_1 프로필_2 profile_1 profile_2 user_1 user_2 person_1 person_2",
    ("[", r"\[[^\]]*\]"),
    ("{", r"\{[^}]*\}"),
    ("<", r"<[^>]*>"),
    ("씨", r"(?<![a-z])[ab] ?씨"),
    ("님", r"(?<![a-z])[ab] ?님"),
    *(
        (f"{word} {x}", rf"\b{word} {x}(?:'s|[.,!?;:]| (?:and|is|has|likes|lists|says|hopes)\b)")
        for word in ("user", "person", "member")
        for x in "ab"
    ),
)
MARKUP = _words(
    "",
    "&lt; &gt; &amp; &quot; &nbsp; &# _# ` * < > { } [ ] | \\ ^ =",
    ("_", "_"),
    ("\n", r"\n\s*(?:#|[-+•·] |\d+[.)] )"),
)
_SURNAMES = "김이박최정강조윤장임한오서신권황안송류홍전고문손배백허유남심노하곽성차주우구민진지나"
_NOT_NAMES = r"(?:시청자|여러|청취|독자|손|고객|회원|선생|기자|아나운서|주인|팬|관객)"
SHARE = _words("", "퍼센트 % _percent 점_만점 백점 백_점")
NAME_HINTS = {
    "ko": ("씨", "님", " 군", " 양", "이름", "본명", "실명"),
    "en": ("named", "called", "name is", "known as"),
}
KOREAN_NAME = re.compile(
    rf"(?<![가-힣])[{_SURNAMES}][가-힣]{{1,2}} ?(?:씨|군|양)(?![가-힣]{{2}})"
    rf"|(?<![가-힣])(?!{_NOT_NAMES})[가-힣]{{2,4}} ?님(?=[은이을과와의께,.! ]|$)"
    r"|(?<![가-힣])[가-힣]{2} 씨(?=[^가-힣]|[는가를와의도랑]|에게|처럼|이|$)"
    r"|이름은 (?!비밀|밝|아직|공개|가리|가려|알|없|묻)[가-힣]|본명은|실명은|라는 이름|이라는 이름"
)
ENGLISH_NAME = re.compile(
    r"\b(?:(?:nicknamed|name is|known as|someone named|someone called)"
    r"|(?:man|woman|person|guy|girl) (?:named|called)) (?!(?:the|an?|it|still|secret)\b)\w"
)
_UNFIT = (CONTACT, SOLICITATION, OFFENSIVE, LEAK)
_ALL = (*_UNFIT, ROMANCE, INVENTED, OVERSTATED, PLACEHOLDER, MARKUP, SHARE)
WHOLE = frozenset[str]().union(*(words.whole for words in _ALL))
_HINTS = [
    hint for hints in (*NAME_HINTS.values(), *(words.guarded for words in _ALL)) for hint in hints
]
PARTS = Needles(sorted({*_HINTS}.union(*(words.parts for words in _ALL))))


_DIGIT, _BETWEEN = r"[\d영일이삼사오육칠팔구공빵]", r"[ \n().,_/·ㅡ–—~-]*"
RUN = re.compile(rf"{_DIGIT}(?:{_BETWEEN}{_DIGIT}){{6}}")  # of digits, long enough for a phone


def unfit(text: str) -> bool:
    """Is there anything in a user's words that no reader may see?"""
    lower = text.casefold()
    tokens, hits = frozenset(latin_words(lower)), PARTS.found_in(lower)
    return any(words.within(lower, tokens, hits) for words in _UNFIT) or bool(RUN.search(lower))
