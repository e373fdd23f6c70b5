"""Made-up Korean self-introductions of one to three sentences, for the sample profiles.

In: one user's codes, the policy's Korean labels and random numbers. Out: a text that names only
what the codes say (`kind="fit"`), or one that says other things (`kind="other"`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from hertz.core.korean import attach

T = TypeVar("T")
Person = Mapping[str, Sequence[str]]  # field -> codes
Labels = Mapping[str, Mapping[str, str]]  # field -> code -> Korean label
DRAWS = 32  # random numbers that one bio uses at most

# An ending is written <polite|formal|casual>; a writer keeps one of the three.
_ENDING = re.compile(r"<([^|>]*)\|([^|>]*)\|([^>]*)>")
_MARKS = ((".", ".", ".", ".", "!", "!", "~", " :)"), (".",), (".", ".", " ㅎㅎ", " ㅋㅋ", "!"))
_OPENERS = ("안녕하세요, ", "반갑습니다, ", "안녕하세요! ", "반가워요, ")
_LINKS = ("그리고 ", "또 ", "참고로 ", "무엇보다 ", "아, ")

_TOPICS = {
    "currentInterests": """
        요즘 {a}에 푹 빠져 있<어요|습니다|음>
        {a}에 관심이 많<아요|습니다|음>
        {a}과(와) {b} 이야기라면 밤새 할 수 있<어요|습니다|음>
        쉬는 날엔 주로 {a}(으)로 시간을 보<내요|냅니다|냄>
        최근에는 {a}에 시간을 많이 <써요|씁니다|씀>
        {a} 얘기 나눌 사람을 찾고 있<어요|습니다|음>
        관심사는 {a}, {b}<이고 계속 늘어나는 중이에요|입니다|>
        {a}에 진심<이에요|입니다|>
        {a}을(를) 정말 좋아<해요|합니다|함>
        {b}도 좋지만 요즘은 {a}이(가) 더 좋<아요|습니다|음>
        {a} 이야기만 나오면 말이 많아<져요|집니다|짐>
        {a}에 눈을 뜬 뒤로 주말이 바빠<졌어요|졌습니다|짐>
        {a}에 대해 아는 게 많은 분이면 반가울 것 같<아요|습니다|음>
        하루의 끝은 언제나 {a}(이)<랍니다|랍니다|지>
        {a}, {b} 둘 다 놓칠 수 없<어요|습니다|음>""",
    "hobbies": """
        취미는 {a}과(와) {b}<입니다|입니다|>
        취미로 {a}을(를) 즐<겨요|깁니다|김>
        혼자 있을 땐 {a}을(를) 즐기는 <편이에요|편입니다|편>
        {a} 덕분에 주말이 짧게 느껴<져요|집니다|짐>
        {a}(이)랑 {b} 없이는 못 살<아요|겠습니다|아>
        같이 {a} 즐길 분은 언제나 환영<이에요|입니다|>
        시간 날 때마다 {a}을(를) 찾는 <편이에요|편입니다|편>
        {a}은(는) 저에게 제일 좋은 휴식<이에요|입니다|>
        스트레스는 {a}(으)로 푸는 <편이에요|편입니다|편>
        오래된 취미는 {a}, 요즘 눈길이 가는 건 {b} 쪽<이에요|입니다|>
        {a} 취향이 비슷한 분이면 금방 친해질 수 있<어요|습니다|음>
        {a} 이야기로 대화를 시작해도 좋<아요|습니다|음>
        주말은 거의 {a}과(와) 함께 보<내요|냅니다|냄>
        꾸준히 이어 온 취미라면 역시 {a}이(가) 아닐까 <해요|합니다|함>""",
    "likedSports": """
        {a}을(를) 꾸준히 하고 있<어요|습니다|음>
        주말마다 {a} 하러 나<가요|갑니다|감>
        운동은 {a}과(와) {b}을(를) 즐<겨요|깁니다|김>
        {a}(으)로 스트레스를 푸는 <편이에요|편입니다|편>
        {a} 같이 할 사람이 있으면 좋겠<어요|습니다|음>
        몸 움직이는 걸 좋아해서 {a}을(를) 자주 <해요|합니다|함>
        요즘 {a}에 재미를 붙<였어요|였습니다|임>
        {a} 시작한 지 얼마 안 됐지만 정말 재밌<어요|습니다|음>
        하루를 마치고 {a} 하는 시간이 제일 좋<아요|습니다|음>
        {a} 한 번 하고 나면 기분이 좋아<져요|집니다|짐>
        운동 중에서는 {a}이(가) 제일 잘 맞<아요|습니다|음>
        {a} 초보지만 열심히 배우는 <중이에요|중입니다|중>
        {a}(이)든 {b}(이)든 같이 땀 흘릴 분 찾<아요|습니다|음>""",
    "favoriteFoods": """
        {a}을(를) 정말 좋아<해요|합니다|함>
        {a}(이)라면 매일 먹을 수 있<어요|습니다|음>
        {a}과(와) {b}을(를) 특히 좋아<해요|합니다|함>
        맛있는 {a} 같이 먹으러 갈 사람 찾<아요|습니다|음>
        요즘은 {a}에 빠져서 자주 먹<어요|습니다|음>
        기분이 처질 땐 {a}이(가) 최고<예요|입니다|>
        주말엔 {a} 맛집을 찾아다<녀요|닙니다|님>
        배고플 때 제일 먼저 {a}이(가) 생각<나요|납니다|남>
        먹는 걸 좋아하고 그중에서도 {a}이(가) 제일<이에요|입니다|>
        {a} 잘하는 집을 알고 있<어요|습니다|음>
        {a} 앞에서는 늘 행복<해요|합니다|함>
        첫 만남에 {a} 어떠<세요|신가요|신지>
        {b}도 잘 먹지만 역시 {a}<(이)죠|입니다|>""",
    "selfDevelopment": """
        요즘 {a}을(를) 꾸준히 하고 있<어요|습니다|음>
        올해 목표는 {a}을(를) 꾸준히 하는 <거예요|것입니다|것>
        {a}(으)로 하루를 알차게 보내려고 <해요|합니다|함>
        매일 조금씩 {a}에 시간을 <써요|씁니다|씀>
        {a}을(를) 하면서 서로 응원할 수 있는 분이면 좋겠<어요|습니다|음>
        {a} 습관을 들이는 <중이에요|중입니다|중>
        {a}과(와) {b}에 관심이 많<아요|습니다|음>
        아침 시간에는 주로 {a}을(를) <해요|합니다|함>
        나를 위한 시간에는 {a}을(를) 챙<겨요|깁니다|김>
        {a}에 열심인 분들을 보면 자극을 받<아요|습니다|음>""",
    "personality": """
        주변에서 {a} 사람이라는 말을 자주 <들어요|듣습니다|들음>
        {a} <편이에요|편입니다|편>
        친구들은 저를 {a} 사람이라고 <해요|합니다|함>
        {a} 편이고 {b} 편이기도 <해요|합니다|함>
        저를 한마디로 하면 {a} 사람<이에요|입니다|>
        어디서나 {a} 모습 그대로<예요|입니다|>
        알고 보면 {a} 사람<이에요|입니다|>
        처음엔 {a} 사람, 알수록 {b} 사람이라는 얘기를 <들어요|듣습니다|들음>
        오래 본 친구들이 꼽는 제 장점은 {a} 점<이에요|입니다|>""",
    "preferredPeople": """
        {a} 사람이 좋<아요|습니다|음>
        {a} 분이면 좋겠<어요|습니다|음>
        {a} 사람과 잘 맞는 것 같<아요|습니다|음>
        {a} 분을 만나고 싶<어요|습니다|음>
        {a} 사람에게 끌리는 <편이에요|편입니다|편>
        {a} 분, {b} 분이면 더 바랄 게 없<어요|습니다|음>
        {a} 분과 이야기 나누고 싶<어요|습니다|음>
        이왕이면 {a} 분과 오래 알고 지내고 싶<어요|습니다|음>
        {b} 사람도 좋지만 {a} 사람이 더 편<해요|합니다|함>""",
    "MBTI": """
        MBTI는 {a}<예요|입니다|>
        전형적인 {a}<예요|입니다|>
        검사할 때마다 {a}이(가) 나<와요|옵니다|옴>
        {a}라는 말을 들으면 다들 고개를 끄덕<여요|입니다|임>
        {a}답다는 소리를 자주 <들어요|듣습니다|들음>""",
    "ageGroup": """
        {a}의 하루하루를 재미있게 보내고 있<어요|습니다|음>
        {a}를 알차게 보내는 중<이에요|입니다|>
        {a}의 오늘을 즐기며 살고 있<어요|습니다|음>""",
    "smoking:NO_SMOKING": """
        담배는 피우지 않<아요|습니다|음>
        비흡연자<예요|입니다|>""",
    "smoking:TRYING_TO_QUIT": "금연 중이니 응원해 주<세요|시기 바랍니다|길>",
    "drinking:NEVER": """
        술은 전혀 마시지 않<아요|습니다|음>
        술 없이도 잘 노는 <편이에요|편입니다|편>""",
    "drinking:SOMETIMES": """
        술은 가끔 분위기에 맞춰 마<셔요|십니다|심>
        가끔 한잔하며 이야기하는 걸 좋아<해요|합니다|함>""",
    "drinking:ONLY_IF_NEEDED": "술은 꼭 필요한 자리에서만 마<셔요|십니다|심>",
    "drinking:OFTEN": """
        술자리에서 나누는 이야기를 좋아<해요|합니다|함>
        하루 끝 맥주 한잔이 낙<이에요|입니다|>""",
    "drinking:TRYING_TO_QUIT": "요즘은 술을 끊는 중<이에요|입니다|>",
    "pets": """
        {a}을(를) 키우고 있<어요|습니다|음>
        {a}과(와) 함께 살고 있<어요|습니다|음>
        집에 가면 {a}이(가) 기다리고 있<어요|습니다|음>
        {a} 이야기라면 하루 종일 할 수 있<어요|습니다|음>
        {a} 덕분에 매일 웃<어요|습니다|음>""",
    "pets:LIKE_BUT_NOT_HAVE": """
        동물을 좋아하지만 키우고 있지는 않<아요|습니다|음>
        키우지는 않아도 동물 영상은 매일 <봐요|봅니다|봄>""",
    "pets:WANT_TO_HAVE": """
        언젠가는 반려동물을 키우고 싶<어요|습니다|음>
        반려동물 키우는 분들이 부<러워요|럽습니다|러움>""",
    "pets:NONE": "반려동물 없이 지내고 있<어요|습니다|음>",
    "closing": """
        편하게 말 걸어 주<세요|시기 바랍니다|길>
        천천히 알아가고 싶<어요|습니다|음>
        좋은 인연이 되면 좋겠<어요|습니다|음>
        대화가 잘 통하는 분을 만나고 싶<어요|습니다|음>
        소소한 이야기부터 나눠 <봐요|보고 싶습니다|보길>""",
    "other": """
        자기소개는 늘 어렵<네요|습니다|네>
        소개는 나중에 천천히 채울<게요|예정입니다|예정>
        자세한 건 만나서 이야기<해요|하고 싶습니다|함>
        요즘은 여행 계획을 세우는 <중이에요|중입니다|중>
        날씨 좋은 날 걷는 걸 좋아<해요|합니다|함>
        커피 향이 좋은 동네에 살고 싶<어요|습니다|음>
        새로운 도시에 가 보는 게 꿈<이에요|입니다|>
        이사한 지 얼마 안 돼서 동네를 알아가는 <중이에요|중입니다|중>""",
}
_WEIGHTS = {
    "currentInterests": 5,
    "hobbies": 5,
    "likedSports": 4,
    "favoriteFoods": 4,
    "selfDevelopment": 3,
    "personality": 4,
    "preferredPeople": 3,
    "pets": 2,
    "MBTI": 2,
    "drinking": 1,
    "smoking": 1,
    "ageGroup": 1,
    "closing": 2,
}
_BAG = tuple(topic for topic, weight in _WEIGHTS.items() for _ in range(weight))
_PHRASES = {
    ("selfDevelopment", "LIFE_OPTIMIZATION"): "목표 세우기",
    ("ageGroup", "AGE_60_PLUS"): "60대",
}


def _spoken(text: str, tone: int) -> tuple[str, ...]:
    return tuple(_ENDING.sub(lambda m: m[tone + 1], line.strip()) for line in text.split("\n"))


_SENTENCES = {
    topic: tuple(tuple(line for line in _spoken(text, tone) if line) for tone in range(3))
    for topic, text in _TOPICS.items()
}


def write_bio(person: Person, labels: Labels, draws: Iterator[float], kind: str = "fit") -> str:
    """A self-introduction.

    Args:
        person: The user's codes by field, one or more each.
        labels: Korean labels by field and code.
        draws: At least `DRAWS` numbers within [0, 1); the same numbers give the same text.
        kind: "fit" names the person's own codes; "other" says things the codes do not say.
    """
    tone = _pick((0, 0, 0, 0, 0, 0, 0, 1, 1, 2), draws)
    count = _pick((1, 1, 1, 2, 2, 2, 2, 2, 3, 3), draws)
    opener = _pick(_OPENERS, draws) if next(draws) < 0.12 and tone < 2 else ""
    topics = _topics(count, draws) if kind == "fit" else ["other", *_topics(count - 1, draws)]
    if kind == "other":
        person = {field: _others(codes, labels[field]) for field, codes in person.items()}
    sentences = [_sentence(topic, tone, person, labels, draws) for topic in topics]
    links = ["", *(_pick(_LINKS, draws) if next(draws) < 0.2 else "" for _ in sentences[1:])]
    text = opener + " ".join(link + s for link, s in zip(links, sentences, strict=True) if s)
    return attach(text)


def _topics(count: int, draws: Iterator[float]) -> list[str]:
    """Distinct topics, the closing words last; fewer than `count` where the draw repeats."""
    drawn = dict.fromkeys(_pick(_BAG, draws) for _ in range(count))
    return sorted(drawn, key=lambda topic: topic == "closing")


def _others(codes: Sequence[str], labels: Mapping[str, str]) -> Sequence[str]:
    """Codes that the person has not."""
    return [code for code in labels if code not in codes] or codes


def _sentence(topic: str, tone: int, person: Person, labels: Labels, draws: Iterator[float]) -> str:
    codes = person.get(topic, ())
    first = _pick(codes, draws) if codes else ""
    second = _pick([code for code in codes if code != first] or [first], draws)
    lines = _SENTENCES.get(f"{topic}:{first}") or _SENTENCES.get(topic)
    if lines is None or (topic == "MBTI" and first == "UNKNOWN"):
        lines = _SENTENCES["closing"]
    line = _pick([x for x in lines[tone] if second != first or "{b}" not in x], draws)
    words = {"{a}": _phrase(topic, first, labels), "{b}": _phrase(topic, second, labels)}
    for mark, word in words.items():
        line = line.replace(mark, word)
    return line + _pick(_MARKS[tone], draws)


def _phrase(field: str, code: str, labels: Labels) -> str:
    """The label as it stands in a sentence: traits as they stand before a noun."""
    label = _PHRASES.get((field, code)) or labels.get(field, {}).get(code, "")
    if field in ("personality", "preferredPeople") and label:
        ends_in_n = (ord(label[-1]) - 0xAC00) % 28 == 4
        return label if ends_in_n else label + "인"
    return label


def _pick(choices: Sequence[T], draws: Iterator[float]) -> T:
    return choices[int(next(draws) * len(choices))]
