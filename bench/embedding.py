"""How fast profile texts become vectors, and how good the default model's vectors are in Korean.

    python bench/embedding.py [--json]

Speed: `Encoder.encode` on a set in which every second text is a repetition, against
sentence-transformers called once a user. Quality: Spearman correlation of cosines with human
scores on two Korean sentence-pair sets, where their files are present. Under 3 minutes on 2 cores.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from hertz.embedding.encoder import GENERIC_PROFILES, EmbeddingSettings, Encoder
from hertz.embedding.texts import unit
from hertz.storage.models.bundled import E5_SMALL, EMBEDDING_MODEL, converted_folder
from hertz.storage.models.embedding import find_embedding_model

STS = Path(__file__).resolve().parents[2] / "shared/data/sts"
SETS = ("klue_sts_dev", "korsts_dev")
CLAUSES = {
    "성격은 {}.": (
        "듬직한",
        "잘 웃는",
        "활발한",
        "차분한",
        "재치있는",
        "섬세한",
        "솔직한",
        "꼼꼼한",
    ),
    "선호하는 사람은 {}.": (
        "배려심 있는",
        "성실한",
        "긍정적인",
        "예의 바른",
        "연락 잘하는",
        "쿨한",
    ),
    "관심사는 {}.": ("영화", "넷플릭스", "홈카페", "요리", "베이킹", "사진찍기", "주식", "댄스"),
    "좋아하는 음식은 {}.": ("한식", "일식", "떡볶이", "피자", "치킨", "브런치", "파스타"),
    "좋아하는 운동은 {}.": ("등산", "러닝", "헬스", "필라테스", "클라이밍", "수영", "배드민턴"),
    "자기계발은 {}.": ("독서", "외국어 공부", "재테크", "자격증 따기", "명상", "글쓰기"),
    "취미는 {}.": ("게임", "음악", "드라마", "웹툰", "그림", "악기 연주", "야외활동"),
}
BIOS = (
    "주말에는 한강에서 자전거를 타고, 저녁에는 친구들과 새로운 맛집을 찾아다녀요.",
    "조용한 카페에서 책 읽는 시간을 제일 좋아합니다. 편하게 말 걸어 주세요!",
    "요즘은 퇴근하고 러닝을 시작했어요. 같이 뛸 사람을 만나면 좋겠어요.",
    "",
)


def main() -> None:
    """Print what was measured, as text or as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--users", type=int, default=64)
    parser.add_argument("--sts", type=Path, default=STS, help="folder of the sentence-pair files")
    options = parser.parse_args()
    settings = EmbeddingSettings(center=False)
    encoder = Encoder(settings, find_embedding_model(settings))
    found = {"model": EMBEDDING_MODEL, **speed(encoder, options.users)}
    found |= quality(encoder, options.sts)
    if options.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for name, value in found.items():
        print(f"{name:32} {value}")


def profile_texts(users: int) -> list[str]:
    """One text a user, each written by two users, in a fixed random order."""
    draw = random.Random(7)
    texts = [_profile_text(draw) for _ in range(users // 2)] * 2
    draw.shuffle(texts)
    return texts


def speed(encoder: Encoder, users: int) -> dict[str, float]:
    """Texts a second of one call for all users, and of one call a user."""
    from sentence_transformers import SentenceTransformer

    texts = profile_texts(users)
    encoder.encode(texts[:1])  # loads the model
    path = str(converted_folder(E5_SMALL))
    one_by_one = SentenceTransformer(path, device="cpu", local_files_only=True)
    batch = _seconds(lambda: encoder.encode(texts))
    loop = _seconds(lambda: [one_by_one.encode(text) for text in texts])
    return {
        "users": users,
        "texts_per_second": round(users / batch, 2),
        "one_at_a_time_per_second": round(users / loop, 2),
        "ratio": round(loop / batch, 2),
    }


def quality(encoder: Encoder, folder: Path) -> dict[str, dict[str, float]]:
    """Spearman correlation by set, of the model's own cosines and of the centered ones."""
    plain, centered = {}, {}
    mean = encoder.encode(list(GENERIC_PROFILES)).mean(axis=0)
    for name in SETS:
        path = folder / f"{name}.parquet"
        if not path.exists():
            continue
        pairs = pl.read_parquet(path)
        first, second = (encoder.encode(pairs[f"sentence{i}"].to_list()) for i in (1, 2))
        plain[name] = _spearman(first, second, pairs["score"])
        centered[name] = _spearman(unit(first - mean), unit(second - mean), pairs["score"])
    return {"spearman": plain, "spearman_centered": centered}


def _profile_text(draw: random.Random) -> str:
    age, mbti = draw.choice(("20대", "30대")), draw.choice(("ENFP", "ISTJ", "INFJ", "ESTP"))
    listed = [
        clause.format(", ".join(draw.sample(words, draw.randint(1, 4))))
        for clause, words in CLAUSES.items()
    ]
    return " ".join([f"{age} {draw.choice('남여')}자, MBTI는 {mbti}.", *listed, draw.choice(BIOS)])


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _spearman(first: np.ndarray, second: np.ndarray, scores: pl.Series) -> float:
    frame = pl.DataFrame({"cosine": (first * second).sum(axis=1), "score": scores})
    return round(frame.select(pl.corr("cosine", "score", method="spearman")).item(), 4)


if __name__ == "__main__":
    main()
