"""Words and forms that no text about two people may contain, by what is wrong with them.

In: a text in lower case. Out: whether something of a kind is in it. English words are looked up as
whole words, Korean ones as parts of a text, since particles and endings are written together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_TOKEN = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Words:
    """Forbidden words of one kind: English ones whole, Korean ones (`parts`) anywhere."""

    whole: frozenset[str]
    parts: tuple[str, ...]
    pattern: re.Pattern[str] | None = None

    def within(self, lower: str, tokens: Iterable[str] | None = None) -> bool:
        """Is one of them in a text in lower case? `tokens` are its words, where known."""
        if not self.whole.isdisjoint(_TOKEN.findall(lower) if tokens is None else tokens):
            return True
        if any(part in lower for part in self.parts):
            return True
        return bool(self.pattern and self.pattern.search(lower))

    def without(self, labels: Iterable[str]) -> Words:
        """The same, less what stands in one of these labels: those are judged as claims."""
        text = "\n".join(labels)
        tokens = {*_TOKEN.findall(text)}
        parts = tuple(part for part in self.parts if part not in text)
        return Words(self.whole - tokens, parts, self.pattern)


def _words(whole: str, parts: str, pattern: str = "") -> Words:
    # an underscore in `parts` stands for a space
    korean = tuple(part.replace("_", " ") for part in parts.split())
    return Words(frozenset(whole.split()), korean, re.compile(pattern) if pattern else None)


_DIGIT_WORD = r"(?:\d|[공영일이삼사오육칠팔구빵]|zero|one|two|three|four|five|six|seven|eight|nine)"
CONTACT = _words(
    "kakao kakaotalk katalk telegram whatsapp instagram insta discord snapchat wechat tiktok "
    "facebook twitter youtube email mail gmail dm phone telephone http https www url website "
    "username handle inbox onlyfans signal skype viber",
    "카톡 카카오 카_톡 ㅋㅌ ㅋㅏ톡 까톡 깨톡 오픈채팅 오픈톡 옵챗 텔레그램 인스타 디스코드 페이스북 페북 "
    "트위터 유튜브 틱톡 라인_아이디 톡_아이디 아이디는 아이디로 디엠 쪽지 전화번호 핸드폰 휴대폰 연락처 "
    "이메일 메일_주소 골뱅이 닷컴 점컴 쩜컴 홈페이지 사이트 블로그 번호는 번호로 전화해 전화_주세요 "
    "문자_주세요 문자해 연락_주세요 연락주세요 연락해",
    r"@|(?<=\w)\s?(?:\.|\(dot\)|\[dot\]| dot )\s?(?:com|net|org|kr|io|me|gg|ly|app|xyz|shop|info)\b"
    rf"|://|{_DIGIT_WORD}(?:[\s().,_/·ㅡ–—-]{{0,3}}{_DIGIT_WORD}){{6,}}"
    r"|\b(?:text|call|add|message|contact|follow|find|write to|reach) (?:me|us|her|him)\b"
    r"|\b(?:line|chat|talk) id\b|\bid ?[:=]|(?<!\w)ig ?:|\(at\)|\b\w+ at \w+ dot \w+",
)
SOLICITATION = _words(
    "click subscribe discount promo coupon bitcoin-address wallet refund giveaway voucher "
    "sponsor sponsored advertisement venmo paypal",
    "계좌 송금 입금 클릭 수익률 수익_보장 무료_체험 할인 쿠폰 구매하 가입하세요 가입하시 투자하세요 "
    "투자해_보세요 대출 추천인 후원 리딩방 광고 링크",
    r"\b(?:bank account|wire (?:transfer|money)|send money|buy now|free trial|sign up|link in)\b",
)
ROMANCE = _words(
    "love loves loved loving lover lovers lovebirds beloved lovestruck romance romances romantic "
    "romantically date dates dated dating flirt flirts flirting flirty crush crushes kiss kisses "
    "kissing marry married marriage marriages wedding weddings boyfriend boyfriends girlfriend "
    "girlfriends soulmate soulmates sweetheart sweethearts couple couples intimate intimacy seduce "
    "seductive spouse spouses husband wife bride groom fiance cupid valentine honeymoon "
    "heartthrob heartbeat heartstrings butterflies swoon swooning cuddle cuddles smitten affair "
    "enamored courtship darling engaged",
    "사랑 연인 연애 커플 데이트 로맨 로멘 설레 설렘 설렌 두근 핑크빛 결혼 키스 애인 남친 여친 심쿵 하트 열애 "
    "고백 반했 반하게 소개팅 프러포즈 프로포즈 청혼 천생연분 배우자 신랑 신부 스킨십 포옹 이상형 짝사랑 첫눈에 "
    "달달한 밀당 백년가약 러브 운명의_상대 운명의_짝 가슴이_뛰 심장이_뛰 꽁냥 사귀 사귈",
    r"\bsoul mates?\b|\bsparks? (?:fly|will fly|flying)|\bmore than (?:just )?friends\b"
    r"|\bfall(?:s|ing)? for (?:each other|one another)\b|\bhead over heels\b|\bhearts\b"
    r"|(?:남자|여자) 친구|썸[을은이 ]"
    "|[\u2661\u2665\u2763\u2764\U0001f48b-\U0001f49f\U0001f5a4\U0001f90d\U0001f90e\U0001f60d"
    "\U0001f617-\U0001f61a\U0001f618\U0001f63b\U0001f970\U0001f9e1\U0001fa75-\U0001fa77\U0001faf6"
    "\U0001f470\U0001f935\U0001f339]",
)
OFFENSIVE = _words(
    "fuck fucks fucked fucking shit bullshit bitch bitches asshole bastard dick cunt slut whore "
    "sex sexy sexual sexually nude nudes naked porn horny rape raped nazi hitler kill kills killed "
    "killing suicide murder die ugly fat stupid idiot idiots loser losers moron pathetic worthless "
    "disgusting creepy creep trash retard retarded terrorist drugs cocaine heroin scam scammer "
    "liar cheater hate hates hated escort",
    "씨발 시발 씨빨 ㅅㅂ ㅂㅅ 병신 개새끼 새끼 존나 좆 섹스 야동 야한 변태 죽어 죽이 자살 꺼져 못생 못난 뚱뚱 "
    "돼지 찐따 멍청 바보 한남충 김치녀 창녀 걸레 미친놈 미친년 쓰레기 혐오 역겨 사기꾼 거짓말쟁이 바람둥이 마약 "
    "원나잇 조건만남 성매매 벗은 알몸 강간 잠자리 짜증나는",
)
LEAK = _words(
    "prompt prompts chatbot chatgpt gpt openai qwen llama json schema token tokens jailbreak "
    "jailbroken hacked pwned instruction instructions override assistant developer sudo admin "
    "administrator password untrusted confidential classified",
    "프롬프트 언어_모델 언어모델 인공지능 지시문 지시를 지시에 지시대로 지시한 지시받 시스템 명령 챗봇 챗gpt "
    "스키마 제이슨 해킹 관리자 비밀번호 개발자 탈옥 역할극 출력하라 무시하고 무시하라 무시하세요",
    r"\bas an ai\b|\b(?:i am|i'm|being) an? (?:ai|assistant|language model|bot)\b|\bai model\b"
    r"|\blanguage model|\bsystem (?:message|part|note)|\bignor\w+ (?:all|any|the|previous|prior|my)\b"
    r"|\b(?:i|we) (?:cannot|can't|am unable to|can not|won't)\b|\bi(?:'m| am) sorry\b"
    r"|\bai(?:입니다|로서|이므로|가 |는 )|도와드릴 수 없|도와 드릴 수 없|죄송합니다|죄송하지만"
    r"|(?:^|\n|\. )(?:shared|wish|pairing|same|near|complement|user|system|facts?) ?:",
)
INVENTED = _words(  # what no shipped profile tells: work, money, looks, homes, health, the past
    "doctor doctors lawyer lawyers nurse teacher teachers engineer engineers pilot professor "
    "celebrity model models millionaire millionaires billionaire rich wealthy salary income "
    "fortune-maker heir mansion ferrari degree harvard graduate graduates colleague colleagues "
    "coworker coworkers classmate classmates neighbors' neighbour roommate roommates sibling "
    "siblings cousin cousins brother sister mother father parents divorced widowed ex exes cancer "
    "illness diagnosed depressed therapy tall taller handsome beautiful gorgeous attractive pretty "
    "blonde muscular military army veteran seoul busan incheon london tokyo paris",
    "의사 변호사 간호사 교사입 교사로 공무원 회계사 판사 검사로 검사입 교수 연예인 아이돌 대기업 연봉 월급 "
    "부자 재벌 건물주 금수저 자산가 외제차 서울대 연세대 고려대 명문대 학벌 의대 동창 동료 직장_상사 이혼 돌싱 "
    "전남편 전처 전_남친 과거에 전과 범죄 우울증 환자 미남 미녀 잘생 예쁜 예쁘 훈남 훈녀 몸매 키가 키는 근육 "
    "강남에 부산에 서울에 홍대에서 이웃집에 형제 자매 남매 부모님 어머니 아버지 아들 딸 군인 재산",
    r"\b(?:works?|worked|working) (?:as|at|for|in)\b|\blives? in\b|\bborn in\b|\bgrew up\b"
    r"|\bused to be\b|\byears? old\b|\bknown each other\b|\bhigh school\b|\bnext door to\b"
    r"|어린 시절|오랜 친구였|알고 지낸|같은 (?:학교|회사|동네|대학)",
)
PLACEHOLDER = re.compile(
    r"\[[^\]]*\]|\{[^}]*\}|<[^>]*>|[○●◯□]{2,}|_{3,}|\b(?:xx+|ooo)\b|\b(?:user|person|profile|member)"
    r" ?[ab12]\b|\b[ab](?: ?씨| ?님| 군| 양)|(?:사용자|회원|프로필|사람) ?[ab12](?![a-z0-9])|홍길동"
    r"|\b(?:lorem ipsum|n/a|null|undefined|john doe|jane doe|insert)\b"
)
MARKUP = re.compile(
    r"[`*<>{}\[\]|\\^=_]|(?:^|\n)\s*(?:[-+•·]|\d+[.)])\s|(?:^|\s)#|&(?:lt|gt|amp|quot|nbsp|#\d+);"
)
OVERSTATED = re.compile(
    r"찰떡\s?궁합|최고의 궁합|환상의 (?:궁합|짝|조합)|천생연분|완벽한 (?:궁합|조합|짝)|궁합이 아주 좋"
    r"|\b(?:perfect|ideal|best|flawless) (?:match|pair\w*|combination|score)\b|\bmade for each other"
    r"|\bmatch made in heaven"
)
_SURNAMES = "김이박최정강조윤장임한오서신권황안송류홍전고문손배백허유남심노하곽성차주우구민진지나엄채원천방공현함변염"
_NOT_NAMES = r"(?:시청자|여러|청취|독자|손|고객|회원|선생|기자|아나운서|주인|팬|관객)"
KOREAN_NAME = re.compile(
    rf"(?<![가-힣])[{_SURNAMES}][가-힣]{{1,2}} ?(?:씨|군|양)(?![가-힣]{{2}})"
    rf"|(?<![가-힣])(?!{_NOT_NAMES})[가-힣]{{2,4}} ?님(?=[은이을과와의께,.! ]|$)"
    r"|(?<![가-힣])[가-힣]{2} 씨(?=[는가를와의,.! ]|$)"
    r"|이름은 (?!비밀|밝|아직|공개|가리|가려|알|없|묻)[가-힣]|본명은|실명은|라는 이름|이라는 이름"
)
ENGLISH_NAME = re.compile(r"\b(?:named|called|nicknamed|name is|known as) (?!the\b|a\b|an\b|it\b)\w")
_UNFIT = (CONTACT, SOLICITATION, OFFENSIVE, LEAK)


def unfit(text: str) -> bool:
    """Is there anything in a user's words that no reader may see?"""
    lower = text.casefold()
    return any(words.within(lower) for words in _UNFIT)
