"""A second, stricter look at every published explanation, sharing no code with the checks.

    python bench/audit.py --home data [--json]

Prints the numbers of texts by origin and language, and findings by kind with user ids only. The
exit status is 1 if there are findings, or no texts.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hertz.policy.model import Policy
from hertz.storage.files import read_frame
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import published_snapshot

Person = dict[str, Any]
Meaning = tuple[str, str]  # field, code
SHOWN = 10  # pairs named for each kind of finding
BOTH = {
    "en": re.compile(
        r"\b(?:both|the two of them|twice|overlaps? on|shared list|in common)\b", re.I
    ),
    "ko": re.compile("두 사람 모두|둘 다|나란히|똑같|겹쳤|양쪽에서"),
}
WISH = {
    "en": re.compile(r"\b(?:hop|wish|ask|want|look|found it|across)", re.I),
    "ko": re.compile("바라|바란|바람|찾|만나고 싶|소망|선호"),
}
AFTER_TRAIT = re.compile(  # what may follow an adjective that is said of a person
    r"\s*(?:[,.;:!?’”\"')]|$|(?:and|or|but|is|as|in|under|on|who|person|people|someone|side|one"
    r"|nature|character|personality|profile|type)\b)"
)
CONTACT = re.compile(
    r"@|https?|www|\.(?:com|net|org|kr|io|me)\b|\d{3,}[ .-]?\d{3,}|카톡|카카오|오픈채팅|텔레그램"
    r"|인스타|전화번호|연락처"
    r"|\b(?:kakao|telegram|whatsapp|instagram|e-?mail|phone|call me|text me)\b",
    re.I,
)
ROMANCE = re.compile(
    r"\b(?:love[rsd]?|roman\w*|dat(?:e|es|ing)|kiss\w*|marr\w+|sweetheart|soulmates?|flirt\w*)\b"
    r"|사랑|연애|데이트|설레|두근|핑크빛|결혼|키스|애인|썸[을은]|하트|연인(?!지)|[❤♥💕💖💗💘💌😍🥰💋]",
    re.I,
)
MACHINE = re.compile(
    r"[`*_<>{}\[\]|\\]|\bAI\b|\bprompt|language model|인공지능|프롬프트|지시문"
    r"|\bnull\b|\bundefined\b"
    r"|[은이을과]\([는가를와]\)|\(이\)|\(으\)"
)
TYPE = re.compile(r"(?<![A-Za-z])[EI][NS][TF][JP](?![A-Za-z])")
QUOTED = re.compile(r"[‘“]([^’”]+)[’”]")


@dataclass(frozen=True)
class Label:
    """A label, how it is found in a text, and what it can mean."""

    text: str
    bare: str  # without an article
    pattern: re.Pattern[str]
    meanings: tuple[Meaning, ...]
    trait: bool


class Auditor:
    """Compares texts in one language with profiles."""

    def __init__(self, policy: Policy, language: str) -> None:
        self.policy, self.language = policy, language
        overlaps = [term for term in policy.terms.values() if term.kind == "overlap"]
        self.wishes = [(str(t.mine), str(t.theirs)) for t in overlaps if t.mine != t.theirs]
        self.traits = {name for wish in self.wishes for name in wish}
        self.names = {
            field: rule.label[language].lower()
            for field, rule in policy.fields.items()
            if language in rule.label and rule.kind in ("code", "ordered", "set")
        }
        self.meanings: dict[str, list[Meaning]] = defaultdict(list)
        for field in self.names:
            for code in policy.shown_codes(field):
                self.meanings[policy.label(field, code, language).lower()].append((field, code))
        self.labels = sorted(self._labels(), key=lambda label: -len(label.text))
        words = " ".join((*self.meanings, *self.names.values()))
        self.words = {*re.findall(r"[^\W\d_]+", words)}

    def findings(self, row: dict[str, Any], a: Person, b: Person) -> Iterator[str]:
        """Yields the kinds of mistakes in a published text."""
        title, content = row["title"], row["content"]
        text = f"{title}\n{content}"
        yield from self._form(title, content)
        yield from self._letters(text)
        if CONTACT.search(unicodedata.normalize("NFKC", text)):
            yield "contact"
        if MACHINE.search(text):
            yield "machine"
        if self.policy.categories[row["category"]].voice == "friend" and ROMANCE.search(text):
            yield "romance"
        yield from self._numbers(text, a, b)
        yield from self._bios(text, a, b)
        lower = text.lower()
        here = [label for label in self.labels if label.bare in lower]
        for sentence in re.split(r"(?<=[.!?])\s+|\n+", text):
            yield from self._sentence(sentence, here, a, b)
        yield from self._reasons(row, text, a, b)

    def _labels(self) -> Iterator[Label]:
        """Yields the labels that are searched for in a text."""
        for text, meanings in self.meanings.items():
            if not any(self.policy.fields[field].kind == "set" for field, _ in meanings):
                continue  # everyday words ("sometimes"): looked for in quotes alone
            bare = re.sub(r"^(?:an?|the) ", "", text)
            if self.language == "ko":
                if len(bare) < 2:  # as `새`, which is also "new"
                    continue
                pattern = rf"(?<![가-힣a-z]){re.escape(bare)}"
            else:
                pattern = rf"(?<![\w-]){re.escape(bare)}s?(?![\w-])"
            trait = all(field in self.traits for field, _ in meanings)
            yield Label(text, bare, re.compile(pattern), tuple(meanings), trait)

    def _form(self, title: str, content: str) -> Iterator[str]:
        """Yields the mistakes of a text's length, emoji and closing words."""
        if not (4 <= len(title.strip()) <= 100 and 100 <= len(content) <= 2400):
            yield "length"
        pictures = [[c for c in p if unicodedata.category(c) == "So"] for p in content.split("\n")]
        if max(map(len, pictures)) > 2:
            yield "emoji"
        letters = re.sub(
            r"[^\w!]+$", "", "".join(c for c in content if ord(c) < 0x2600 or c >= "가")
        )
        if not re.search(r"Stay Tuned!\W*$", letters):
            yield "closing"

    def _letters(self, text: str) -> Iterator[str]:
        """Yields "script" for foreign or invisible characters, "name" for unknown names."""
        for c in text:
            kind = unicodedata.category(c)
            if kind[0] == "L":
                script = unicodedata.name(c, "").split()[0]
                if script != "LATIN" and not ("가" <= c <= "힣" and self.language == "ko"):
                    yield "script"
                    return
            elif kind in ("Cf", "Cc", "Co", "Cn") and c not in "\n\u200d":
                yield "script"
                return
        allowed = {"stay", "tuned", *self.words}
        latin = [w for w in re.findall(r"[A-Za-z]{2,}", text) if w.lower() not in allowed]
        if self.language == "ko" and [word for word in latin if not TYPE.fullmatch(word)]:
            yield "script"
        inner = re.findall(r"(?<=[a-z,;:’”] )[“‘]?([A-Z]\w+)", text.split("\n", 1)[1])
        if self.language == "en" and [word for word in inner if word.lower() not in allowed]:
            yield "name"

    def _numbers(self, text: str, a: Person, b: Person) -> Iterator[str]:
        """Yields "number" or "type" for numbers and personality types that neither profile has."""
        known = {
            number
            for field in self.names
            for who in (a, b)
            for code in self._codes(who, field)
            for number in re.findall(r"\d+", self.policy.label(field, code, self.language))
        }
        both = [{*self._codes(a, f)} & {*self._codes(b, f)} for f in self.names]
        known |= {str(count) for count in (sum(map(len, both)), sum(map(len, self._plain(a, b))))}
        if not {*re.findall(r"\d+", text)} <= known:
            yield "number"
        types = {code for who in (a, b) for f in self.names for code in self._codes(who, f)}
        if not {*TYPE.findall(text)} <= types:
            yield "type"

    def _plain(self, a: Person, b: Person) -> list[set[str]]:
        """Returns the equal entries of the fields that a text may count."""
        tables = {term.field for term in self.policy.terms.values() if term.kind == "table"}
        used = {name for term in self.policy.terms.values() for name in term.fields}
        rules = [self.policy.eligibility_of(category) for category in self.policy.categories]
        deciding = {name for rule in rules for name in (*rule.same, *rule.different)}
        fields = [f for f in self.names if f not in tables and (f in used or f not in deciding)]
        return [{*self._codes(a, f)} & {*self._codes(b, f)} for f in fields]

    def _bios(self, text: str, a: Person, b: Person) -> Iterator[str]:
        """Yields "bio" if the text repeats four words in a row of a self-introduction."""
        said = " ".join(re.findall(r"\w+", text.lower()))
        for who in (a, b):
            for field, rule in self.policy.fields.items():
                words = (
                    re.findall(r"\w+", (who[field] or "").lower()) if rule.kind == "text" else []
                )
                runs = {" ".join(words[i : i + 4]) for i in range(len(words) - 3)}
                if any(run in said for run in runs if len(run) >= 12):
                    yield "bio"
                    return

    def _sentence(self, sentence: str, labels: list[Label], a: Person, b: Person) -> Iterator[str]:
        """Yields "quoted" for quotes that are no label, "label" for labels untrue of the pair."""
        plain = sentence.lower()
        both = BOTH[self.language].search(sentence) is not None
        wish = WISH[self.language].search(sentence) is not None
        for quoted in QUOTED.findall(plain):
            if quoted not in self.meanings and not self._typed(quoted, a, b):
                yield "quoted"
        for text in {*QUOTED.findall(plain)} & self.meanings.keys():
            if not self._true(self.meanings[text], plain, both, wish, a, b):
                yield "label"
        for label in labels:
            found = label.pattern.search(plain)
            if not found or (label.trait and not AFTER_TRAIT.match(plain, found.end())):
                continue
            plain = label.pattern.sub(lambda match: "_" * len(match.group()), plain)
            if not self._true(list(label.meanings), sentence.lower(), both, wish, a, b):
                yield "label"

    def _true(
        self, meanings: list[Meaning], plain: str, both: bool, wish: bool, a: Person, b: Person
    ) -> bool:
        """Returns whether a label in a sentence is true of the pair, as a trait or as a wish."""
        named = [m for m in meanings if self.names[m[0]] in plain]
        wishes = {mine for mine, _ in self.wishes}
        meant = named or [m for m in meanings if m[0] not in wishes]
        if wish and any(field in self.traits for field, _ in meanings):
            met = any(
                code in self._codes(x, mine) and code in self._codes(y, theirs)
                for mine, theirs in self.wishes
                for _, code in meanings
                for x, y in ((a, b), (b, a))
            )
            return met or self._had(named, True, a, b)  # or a wish that both have
        return self._had(meant, both, a, b)

    def _had(self, meant: list[Meaning], both: bool, a: Person, b: Person) -> bool:
        """Returns whether one of the pair, or both, have any of the meanings."""
        has = [[code in self._codes(who, field) for who in (a, b)] for field, code in meant]
        return any(all(sides) if both else any(sides) for sides in has)

    def _typed(self, quoted: str, a: Person, b: Person) -> bool:
        """Returns whether a text is a value of a field in which users write anything."""
        open_fields = [f for f in self.names if self.policy.vocabulary(f) is None]
        return any(
            quoted == code.lower()
            for f in open_fields
            for w in (a, b)
            for code in self._codes(w, f)
        )

    def _reasons(self, row: dict[str, Any], text: str, a: Person, b: Person) -> Iterator[str]:
        """Yields a mistake for each reason that is untrue of the pair or not in the text."""
        for reason in json.loads(row["reasons"]):
            fields, values = reason["fields"], {*reason["values"]}
            of_a, of_b = ({*self._codes(who, fields[0])} for who in (a, b))
            held = {
                "shared": values <= of_a & of_b,
                "same": values == of_a == of_b and len(values) == 1,
                "near": values == of_a | of_b and len(values) == 2,
                "pairing": values == of_a | of_b,
                "wish": any(
                    values <= {*self._codes(x, fields[0])} & {*self._codes(y, fields[-1])}
                    for x, y in {"a_to_b": [(a, b)], "b_to_a": [(b, a)]}.get(
                        reason["direction"], [(a, b), (b, a)]
                    )
                ),
            }
            labels = [self.policy.label(fields[0], code, self.language) for code in values]
            if not values or not held.get(reason["kind"], False):
                yield "reason"
            elif not any(label.lower() in text.lower() for label in labels):
                yield "reason not mentioned"

    def _codes(self, who: Person, field: str) -> list[str]:
        """Returns the codes of a field as a list, whether it holds one or several."""
        value = who[field]
        return value if isinstance(value, list) else [value] if value else []


def audit(home: Path) -> dict[str, Any]:
    """Returns counts of texts, and findings by kind with category, language and ids."""
    snapshot = published_snapshot(home)
    policy = read_manifest(snapshot).policy
    users = {row["user_id"]: row for row in read_frame(snapshot / "users.parquet").to_dicts()}
    texts = read_frame(snapshot / "explanations.parquet")
    auditors = {language: Auditor(policy, language) for language in policy.languages}
    counts: Counter[str] = Counter()
    found: dict[str, list[tuple[str, str, int, int]]] = defaultdict(list)
    for row in texts.iter_rows(named=True):
        counts[f"{row['origin']} {row['language']}"] += 1
        where = (row["category"], row["language"], row["user_a"], row["user_b"])
        a, b = users[row["user_a"]], users[row["user_b"]]
        for kind in dict.fromkeys(auditors[row["language"]].findings(row, a, b)):
            found[kind].append(where)
    return {
        "users": len(users),
        "texts": len(texts),
        "by_origin_and_language": dict(sorted(counts.items())),
        "findings": {kind: len(pairs) for kind, pairs in sorted(found.items())},
        "pairs": {kind: pairs[:SHOWN] for kind, pairs in sorted(found.items())},
    }


def main() -> int:
    """Audits the published snapshot of a home."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path("data"))
    parser.add_argument("--json", action="store_true", help="one JSON object")
    chosen = parser.parse_args()
    result = audit(chosen.home)
    if chosen.json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(f"{result['texts']} texts about pairs of {result['users']} users\n")
        for name, count in result["by_origin_and_language"].items():
            sys.stdout.write(f"  {name}: {count}\n")
        for kind, count in result["findings"].items():
            sys.stdout.write(f"{kind}: {count}, as in {result['pairs'][kind]}\n")
        sys.stdout.write(f"{sum(result['findings'].values())} findings\n")
    return 1 if result["findings"] or not result["texts"] else 0


if __name__ == "__main__":
    sys.exit(main())
