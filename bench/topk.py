"""Compares the exact mutual top-k with its alternatives, side by side in one run.

    python bench/topk.py                         10,000, 20,000, 50,000 and 100,000 users
    python bench/topk.py --users 50000 --json    one object
    python bench/topk.py --plot docs/topk.png    and a picture

Everyone may meet everyone; d = 384, k = 50. The alternatives rank by cosine alone; "full score" is
the formula of the service's category `general` with all its terms. All run on one thread and are
measured in CPU seconds, which other work on the machine disturbs least. An alternative whose time
is proportional to its query rows is measured on some of them and scaled up; the table says so.
`--flat` uses vectors without any structure. hnswlib, which has to be compiled, is left out unless
it is installed.
"""

from __future__ import annotations

import argparse
import json
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import polars as pl
import torch
from oracle import equals_reference
from population import K, changed, population, profiles, service_population
from threadpoolctl import threadpool_limits
from topk_report import exponent, plot, table

from hertz.matching.features import Features
from hertz.matching.topk.incremental import (
    SPARE_ENTRIES,
    PreviousLists,
    find_delta,
    update_neighbors,
    user_fingerprints,
)
from hertz.matching.topk.lists import NeighborLists
from hertz.matching.topk.search import find_neighbors

SIZES = [10_000, 20_000, 50_000, 100_000]
CHURN = [0.001, 0.01, 0.1]
QUERIES = 10_000  # query rows of an alternative whose time is proportional to them
MAX_CHROMA_USERS = 20_000  # ChromaDB is left out above this


@dataclass(frozen=True)
class Timed:
    """CPU seconds for all users, and a note on how they were measured."""

    seconds: float
    note: str = ""


def cpu_seconds(call: Callable[[], Any]) -> float:
    """Returns the CPU seconds that this process needs for one call."""
    started = time.process_time()
    call()
    return time.process_time() - started


def per_row(users: int, call: Callable[[int], Any], rows: int = QUERIES) -> Timed:
    """Measures `call(rows)` on some rows and scales its time up to all users."""
    asked = min(rows, users)
    seconds = cpu_seconds(lambda: call(asked)) * users / asked
    return Timed(seconds, "" if asked == users else f"{asked:,} of the rows")


def fp32_gemm(vectors: np.ndarray) -> Timed:
    """Multiplies all pairs in float32 and keeps none of the products."""
    whole = torch.from_numpy(vectors)
    out = torch.empty(1024, len(whole))

    def run(rows: int) -> None:
        for start in range(0, rows, 1024):
            part = whole[start : min(start + 1024, rows)]
            torch.mm(part, whole.T, out=out[: len(part)])

    return per_row(len(vectors), run)


def faiss_flat(vectors: np.ndarray) -> Timed:
    """Searches with faiss.IndexFlatIP."""
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    return per_row(len(vectors), lambda rows: index.search(vectors[:rows], K + 1))


def torch_topk(vectors: np.ndarray) -> Timed:
    """Multiplies block by block and searches with torch.topk."""
    whole = torch.from_numpy(vectors)

    def run(rows: int) -> None:
        for start in range(0, rows, 1024):
            (whole[start : min(start + 1024, rows)] @ whole.T).topk(K + 1)

    return per_row(len(vectors), run)


def numpy_partition(vectors: np.ndarray) -> Timed:
    """Multiplies block by block and searches with numpy.argpartition."""

    def run(rows: int) -> None:
        for start in range(0, rows, 1024):
            np.argpartition(vectors[start : min(start + 1024, rows)] @ vectors.T, -K - 1)

    return per_row(len(vectors), run, QUERIES // 4)


def sklearn_brute(vectors: np.ndarray) -> Timed:
    """Searches with scikit-learn's NearestNeighbors by brute force."""
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=K + 1, algorithm="brute", metric="cosine").fit(vectors)
    return per_row(len(vectors), lambda rows: found.kneighbors(vectors[:rows]), QUERIES // 4)


def hnswlib_index(vectors: np.ndarray) -> Timed:
    """Searches approximately with hnswlib at M = 16, ef = 200; the note has its recall."""
    import hnswlib

    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(max_elements=len(vectors), M=16, ef_construction=200, random_seed=7)
    index.set_num_threads(1)
    built = cpu_seconds(lambda: index.add_items(vectors))
    index.set_ef(200)
    asked = min(QUERIES // 4, len(vectors))
    found, _ = index.knn_query(vectors[:1], K + 1)
    queried = per_row(len(vectors), lambda rows: index.knn_query(vectors[:rows], K + 1), asked)
    found, _ = index.knn_query(vectors[:200], K + 1)
    exact = np.argpartition(vectors[:200] @ vectors.T, -K - 1)[:, -K - 1 :]
    recall = np.mean([len(np.intersect1d(*r)) for r in zip(found, exact, strict=True)]) / (K + 1)
    return Timed(built + queried.seconds, f"recall {recall:.2f}, index and query")


def chroma_collection(vectors: np.ndarray) -> Timed:
    """Fills a ChromaDB collection and queries it for each user."""
    import chromadb

    client = chromadb.EphemeralClient()
    users = client.create_collection("users", configuration={"hnsw": {"space": "ip"}})

    def add() -> None:
        for start in range(0, len(vectors), 1000):
            part = vectors[start : start + 1000]
            users.add(ids=[str(start + i) for i in range(len(part))], embeddings=part)

    built = cpu_seconds(add)
    queried = per_row(
        len(vectors),
        lambda rows: users.query(query_embeddings=vectors[:rows], n_results=K + 1, include=[]),
        1000,
    )
    client.delete_collection("users")
    return Timed(built + queried.seconds, "index and query")


def pair_loop(features: Features, profiles: pl.DataFrame) -> Timed:
    """Scores everyone against everyone in a Python loop, one pair at a time."""
    users = profiles.to_dicts()
    ages = features.policy.shown_codes("ageGroup")
    mbti = features.policy.tables["mbti"]

    def tags(a: list[str], b: list[str]) -> float:
        return len(set(a) & set(b)) / max(len(set(a) | set(b)), 1)

    def directed(i: int, j: int) -> float:
        a, b = users[i], users[j]
        base = sum(a[f] == b[f] for f in ("religion", "smoking", "drinking")) / 3
        known = a["MBTI"] and b["MBTI"]
        pairing = mbti.value(a["MBTI"], b["MBTI"]) if known else 0.5
        steps = abs(ages.index(a["ageGroup"]) - ages.index(b["ageGroup"]))
        age = (1.0, 0.5)[steps] if steps < 2 else 0.0
        wishes = tags(a["preferredPeople"], b["personality"])
        wishes += tags(b["preferredPeople"], a["personality"])
        rules = 0.3 * base + 0.2 * pairing + 0.2 * age + 0.3 * wishes / 2
        return 0.7 * float(features.vectors[i] @ features.vectors[j]) + 0.3 * rules

    some = np.random.default_rng(0).integers(0, len(features), (20_000, 2)).tolist()
    seconds = cpu_seconds(lambda: [directed(a, b) for a, b in some])
    return Timed(seconds * len(features) ** 2 / len(some), "20,000 of the pairs")


def ours(features: Features, depth: int = K) -> Timed:
    """Searches with Hertz: exact, ordered by score and id."""
    found: list[int] = []

    def run() -> None:
        found.append(find_neighbors(features, ["all"], depth, threads=1)["all"].scored_pairs)

    seconds = cpu_seconds(run)
    return Timed(seconds, f"{found[0] / len(features):,.0f} pairs scored a user")


def incremental(
    features: Features, before: NeighborLists, share: float
) -> tuple[float, float, bool]:
    """Measures a full and an incremental run on all threads after some users changed.

    The incremental seconds are the median of five: a run is so short that anything disturbs it.

    Returns:
        Wall seconds of the full run, of the incremental one, and whether the lists are equal.
    """
    previous = PreviousLists(features.user_ids, user_fingerprints(features), before)
    tonight = changed(features, share)
    started = time.perf_counter()
    full = find_neighbors(tonight, ["all"], K + SPARE_ENTRIES)["all"]
    seconds, taken, same = time.perf_counter() - started, [], True
    for _ in range(5):
        started = time.perf_counter()
        found = update_neighbors(
            tonight, {"all": before}, find_delta(previous, tonight, user_fingerprints(tonight))
        )["all"]
        taken.append(time.perf_counter() - started)
        same &= bool(np.array_equal(found.ids[:, :K], full.ids[:, :K]))
    return seconds, median(taken), same


def scaling(features: Features) -> float:
    """Returns the wall seconds on one thread divided by those on two."""
    seconds = []
    for threads in (1, 2):
        started = time.perf_counter()
        find_neighbors(features, ["all"], threads=threads)
        seconds.append(time.perf_counter() - started)
    return seconds[0] / seconds[1]


def one_pass(features: Features) -> tuple[float, bool]:
    """Compares searching the categories one by one with searching them in one pass.

    Returns:
        CPU seconds one by one divided by those of one pass, and whether the lists are equal.
    """
    names = list(features.policy.categories)
    found: dict[str, NeighborLists] = {}
    alone: dict[str, NeighborLists] = {}

    def one_by_one() -> None:
        for name in names:
            alone[name] = find_neighbors(features, [name], threads=1)[name]

    apart = cpu_seconds(one_by_one)
    together = cpu_seconds(lambda: found.update(find_neighbors(features, names, threads=1)))
    same = all(np.array_equal(alone[name].ids, found[name].ids) for name in names)
    return apart / together, same


def peak_megabytes(features: Features) -> float:
    """Returns the peak resident memory of a process that only matches these users."""
    code = (
        "import pickle, sys; from hertz.matching.topk.search import find_neighbors, top_k;"
        "f = pickle.load(open(sys.argv[1], 'rb'));"
        "top_k(f, 'all', find_neighbors(f, ['all'], 66)['all']);"
        "status = open('/proc/self/status').read();"  # getrusage would include the parent
        "print(int(status.split('VmHWM:')[1].split()[0]) / 1e3)"
    )
    with tempfile.NamedTemporaryFile() as file:
        pickle.dump(features, file)
        file.flush()
        command = [sys.executable, "-c", code, file.name]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def one_size(users: int, flat: bool) -> dict[str, Any]:
    """Runs all measurements at one size."""
    people = profiles(users)
    features = population(users, flat=flat)
    alone = population(users, {"cosine": 1.0}, flat=flat)
    vectors = features.vectors
    few = population(2000)
    few_lists = find_neighbors(few, ["all"], K + SPARE_ENTRIES)["all"]
    incremental(few, few_lists, 0.01)  # loads the compiled kernels
    peers: dict[str, Callable[[], Timed]] = {
        "fp32 GEMM alone": lambda: fp32_gemm(vectors),
        "faiss IndexFlatIP": lambda: faiss_flat(vectors),
        "torch + topk": lambda: torch_topk(vectors),
        "numpy": lambda: numpy_partition(vectors),
        "scikit-learn": lambda: sklearn_brute(vectors),
        "hnswlib": lambda: hnswlib_index(vectors),
        "pair loop in Python, full score": lambda: pair_loop(features, people),
        "Hertz, cosine only": lambda: ours(alone),
        "Hertz, full score": lambda: ours(features),
    }
    if users <= MAX_CHROMA_USERS:
        peers["ChromaDB"] = lambda: chroma_collection(vectors)
    timed = {}
    torch_threads = torch.get_num_threads()
    with threadpool_limits(1):
        torch.set_num_threads(1)
        for name, measure in peers.items():
            try:
                timed[name] = measure()
            except ModuleNotFoundError as missing:
                print(f"{users:>8,} {name:<30} left out: {missing}", file=sys.stderr)
                continue
            print(
                f"{users:>8,} {name:<30} {timed[name].seconds:>9.1f} CPU s  {timed[name].note}",
                file=sys.stderr,
            )
        torch.set_num_threads(torch_threads)
    saved, same = one_pass(service_population(users, flat))
    before = find_neighbors(features, ["all"], K + SPARE_ENTRIES)["all"]
    churn = {share: incremental(features, before, share) for share in CHURN}
    faiss, gemm = timed["faiss IndexFlatIP"].seconds, timed["fp32 GEMM alone"].seconds
    cosine, full = timed["Hertz, cosine only"].seconds, timed["Hertz, full score"].seconds
    return {
        "users": users,
        "cpu_seconds": {name: round(t.seconds, 3) for name, t in timed.items()},
        "notes": {name: t.note for name, t in timed.items() if t.note},
        "incremental": {
            f"{share:.1%}": {"full_s": round(f, 3), "incremental_s": round(i, 3), "equal": same}
            for share, (f, i, same) in churn.items()
        },
        "ratios": {
            "full_vs_faiss_cosine": round(faiss / full, 2),
            "cosine_vs_faiss_cosine": round(faiss / cosine, 2),
            "cosine_vs_fp32_gemm": round(gemm / cosine, 2),
            "incremental_vs_full_at_1_percent": round(churn[0.01][0] / churn[0.01][1], 1),
            "two_threads_vs_one": round(scaling(features), 2),
            "three_categories_apart_vs_in_one_pass": round(saved, 2),
        },
        "peak_mb": round(peak_megabytes(features)),
        "equal_to_reference": equals_reference(features, before)
        and same
        and all(c[2] for c in churn.values()),
    }


def main() -> None:
    """Measures every size and prints the table or the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, nargs="+", default=SIZES)
    parser.add_argument("--flat", action="store_true", help="vectors without structure")
    parser.add_argument("--json", action="store_true", help="JSON on stdout: one object a size")
    parser.add_argument("--plot", metavar="FILE", help="draw the seconds as PNG or SVG")
    options = parser.parse_args()
    runs = [one_size(users, options.flat) for users in options.users]
    if options.plot:
        plot(runs, options.plot)
    if options.json:
        print(json.dumps(runs[0] if len(runs) == 1 else {"runs": runs}))
        return
    print(table(runs))
    for name in ("Hertz, cosine only", "Hertz, full score"):
        print(f"growth exponent, {name}: {exponent(runs, name):.2f}")


if __name__ == "__main__":
    main()
