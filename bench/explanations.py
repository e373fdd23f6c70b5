"""The stage `explain` beside raw `vllm.LLM.generate` on the same prompts, in one engine.

    python bench/explanations.py [--prompts 12] [--rounds 3] [--model bundled] [--dummy] [--json]

One engine is loaded. In every round new pairs are explained four ways, each with an empty prefix
cache: by the stage as one batch and by `LLM.generate` with the same prompts, schema and sampling
(raw, stage, stage, raw, so that a machine that becomes slower or faster favors neither), by the
stage in many chunks, and by `LLM.generate` without the schema but with answers of the same length.
The figures are medians over the rounds. `ratio_to_raw_vllm` compares the stage's whole wall time
(prompts, pipe, checks, cache, template voice, files) with that of `LLM.generate` alone, which gets
its prompts as token ids. Nothing is retried, since retries would be further prompts.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from raw_engine import Both, Recorder

from hertz.explanations.generation.engine import is_cpu_build

if TYPE_CHECKING:
    import polars as pl

    from hertz.cli.compare_models.reports import MatchLists, Report
    from hertz.explanations.generation.generator import Generator
    from hertz.explanations.generation.messages import Generated, Prompt
    from hertz.explanations.settings import ExplanationSettings
    from hertz.policy.model import Policy
    from hertz.stages.run import Run

# Other modules are imported where they are used: the model's process imports this file too.

ROOT = Path(__file__).parent.parent
CHUNKS = 4  # parts of a round that is written in many
WARM_UP = 2  # prompts that are written first and not measured
Figures = dict[str, float]


class Stage:
    """The stage `explain` with a home of its own, over an engine that stays loaded."""

    def __init__(self, folder: Path, settings: ExplanationSettings, engine: Both) -> None:
        self.folder = folder
        self.settings = settings
        self.engine = engine
        self.runs = 0

    def prompts(self, lists: MatchLists, chunk: int, home: str) -> list[Prompt]:
        """Returns the prompts for explaining everyone in the lists."""
        recorder = Recorder()
        self._explain(self._run(lists, chunk, home), recorder)
        return recorder.asked

    def run(self, lists: MatchLists, chunk: int, home: str) -> Figures:
        """Explains everyone in the lists with an empty prefix cache, and returns the figures."""
        from hertz.storage.snapshot.stage_results import ExplainResult

        run = self._run(lists, chunk, home)
        self.engine.reset()
        started, cpu = time.perf_counter(), self.engine.cpu_seconds()
        self._explain(run, self.engine)
        seconds, cpu = time.perf_counter() - started, self.engine.cpu_seconds() - cpu
        answered = self.engine.answered
        prompt_tokens = sum(answer.prompt_tokens for answer in answered)
        cached_tokens = sum(answer.cached_tokens for answer in answered)
        return {
            "tokens": sum(answer.output_tokens for answer in answered),
            "seconds": seconds,
            "cpu": cpu,
            "prefix": cached_tokens / prompt_tokens if prompt_tokens else 0.0,
            "prompts": len(answered),
            "accepted": run.result(ExplainResult).accepted,
        }

    def _run(self, lists: MatchLists, chunk: int, home: str) -> Run:
        """Returns a new run with these lists."""
        from hertz.stages.run import Run
        from hertz.storage.settings import load_settings

        self.runs += 1
        chosen = self.settings.model_copy(update={"chunk": chunk})
        settings = load_settings(ROOT / "hertz.toml", self.folder / home)
        run = Run(
            str(self.runs),
            settings.model_copy(update={"explanations": chosen}),
            self.folder / str(self.runs),
        )
        run.folder.mkdir()
        lists.profiles.write_parquet(run.folder / "users.parquet")
        lists.matches.write_parquet(run.folder / "matches.parquet")
        return run

    def _explain(self, run: Run, generator: Generator) -> None:
        from hertz.stages.explain.explain import explain

        explain(run, open_model=lambda settings: nullcontext(generator))


def one_round(stage: Stage, lists: MatchLists, prompts: int, name: str) -> dict[str, Figures]:
    """Explains the same pairs in four ways, and once more when nothing has changed."""
    whole, many = 3 * prompts, 3 * max(1, prompts // CHUNKS)  # three parts are a chunk
    asked = stage.prompts(lists, whole, f"{name}-asked")
    raw = [stage.engine.raw(asked)]
    ours = [stage.run(lists, whole, f"{name}-{turn}") for turn in ("first", "second")]
    answered = stage.engine.answered
    raw.append(stage.engine.raw(asked))
    found = {"ours": mean(ours), "raw": mean(raw)}
    found["chunks"] = stage.run(lists, many, f"{name}-chunks")
    found["free"] = stage.engine.raw(asked, [answer.output_tokens for answer in answered])
    found["rerun"] = stage.run(lists, whole, f"{name}-second")
    for way, figures in found.items():
        rate = figures["tokens"] / figures["seconds"]
        print(
            f"{name} {way:<7} {figures['tokens']:>8,.0f} tokens {figures['seconds']:>8.2f} s "
            f"{rate:>8,.0f} a second",
            file=sys.stderr,
        )
    stage.engine.answered = answered
    return found


def mean(runs: list[Figures]) -> Figures:
    """Returns the mean of each figure over the runs."""
    return {figure: fmean(run[figure] for run in runs) for figure in runs[0]}


def check_milliseconds(policy: Policy, reports: list[Report], answered: list[Generated]) -> float:
    """Returns the median CPU time of reading and checking one explanation.

    An answer that cannot be read costs almost nothing, so the template's text is checked instead.
    """
    from hertz.explanations.checks.grounding import failed_checks
    from hertz.explanations.facts import pair_facts
    from hertz.explanations.prompts.prompts import read_answer
    from hertz.explanations.voices.template import render

    def check(report: Report, text: str) -> float:
        category, language, a, b = report[:4]
        started = time.thread_time()
        found = read_answer(text, report.facts)
        if found is None:
            facts = pair_facts(policy, category, a, b)
            found = render(policy, category, language, facts, "bench")
            started = time.thread_time()
        failed_checks(policy, category, language, a, b, found)
        return time.thread_time() - started

    pairs = list(zip(reports, answered, strict=True))
    for report, answer in pairs:
        check(report, answer.text)
    return 1000 * median(check(report, answer.text) for _ in range(20) for report, answer in pairs)


def lists_of(lists: MatchLists, pairs: pl.DataFrame, top: int) -> MatchLists:
    """Returns the match lists with these pairs only."""
    import polars as pl

    from hertz.cli.compare_models.reports import MatchLists

    low, high = (
        horizontal("user_id", "other_id") for horizontal in (pl.min_horizontal, pl.max_horizontal)
    )
    matches = lists.matches.filter(pl.col("rank") <= top).with_columns(user_a=low, user_b=high)
    kept = matches.join(pairs, on=["category", "user_a", "user_b"], how="semi")
    users = pl.concat([pairs["user_a"], pairs["user_b"]]).unique().implode()
    profiles = lists.profiles.filter(pl.col("user_id").is_in(users))
    return MatchLists(profiles, kept.drop("user_a", "user_b"))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Runs all rounds and returns every figure."""
    from hertz.cli.compare_models.measure import settings_for
    from hertz.cli.compare_models.reports import reports_to_write, sample_lists
    from hertz.stages.explain.tasks import explained_pairs
    from hertz.storage.models.language import find_language_model
    from hertz.storage.settings import load_settings

    settings = load_settings(ROOT / "hertz.toml")
    policy, top = settings.policy, settings.explanations.top
    language = options.language
    chosen = settings_for(settings.explanations, options.model, options.dummy).model_copy(
        update={
            "languages": (language,),
            "budget": options.prompts,
            "retries": 0,
            "hang_seconds": 3600.0,  # one raw call gives no sign of life
        }
    )
    print(f"match lists of {options.users:,} sample users", file=sys.stderr)
    lists = sample_lists(policy, 7, options.users)
    ends = range(WARM_UP, WARM_UP + options.prompts * options.rounds + 1, options.prompts)
    reports = reports_to_write(policy, lists, top, ends[-1], (language,))
    print(f"loading {options.model}", file=sys.stderr)
    model = find_language_model(chosen)
    with tempfile.TemporaryDirectory() as folder, Both(model.source, chosen) as engine:
        stage = Stage(Path(folder), chosen, engine)
        found = []
        for number, (start, end) in enumerate(pairwise((0, *ends))):
            part = reports[start:end]
            of_round = lists_of(lists, pairs_of(part), top)
            found.append(one_round(stage, of_round, len(part), f"round {number}"))
        check_ms = check_milliseconds(policy, part, engine.answered)
        loaded = engine.loaded
    entries = len(lists.matches.filter(lists.matches["rank"] <= top))
    shared = entries - len(explained_pairs(policy, lists.matches, top))
    return {
        "model": options.model,
        "dummy": options.dummy,
        "device": loaded.device,
        "dtype": loaded.dtype,
        "cores": os.cpu_count(),
        "prompts_a_round": options.prompts,
        "rounds": options.rounds,
        "load_s": round(loaded.seconds, 1),
        **ratios(found[1:]),
        "check_ms": round(check_ms, 3),
        "prompts_saved_by_sharing": shared,
        "share_saved_by_sharing": round(shared / entries, 3),
        "list_entries": entries,
        "users": options.users,
    }


def pairs_of(reports: list[Report]) -> pl.DataFrame:
    """Returns the pairs of the reports as columns `category`, `user_a`, `user_b`."""
    import polars as pl

    rows = [(one.category, one.a["user_id"], one.b["user_id"]) for one in reports]
    return pl.DataFrame(rows, ["category", "user_a", "user_b"], orient="row")


def ratios(rounds: list[dict[str, Figures]]) -> dict[str, Any]:
    """Returns medians over the rounds."""

    def rate(found: dict[str, Figures], way: str, per: str = "seconds") -> float:
        return found[way]["tokens"] / found[way][per]

    def ratio(way: str, other: str, per: str = "seconds") -> float:
        return round(median(rate(f, way, per) / rate(f, other, per) for f in rounds), 3)

    def middle(way: str, figure: str) -> float:
        return round(median(found[way][figure] for found in rounds), 3)

    overheads = (
        (found["ours"]["seconds"] - found["raw"]["seconds"]) / found["ours"]["prompts"]
        for found in rounds
    )
    return {
        "ratio_to_raw_vllm": ratio("ours", "raw"),
        "ratio_by_round": [round(rate(f, "ours") / rate(f, "raw"), 3) for f in rounds],
        "ratio_of_cpu_seconds": ratio("ours", "raw", "cpu"),
        "ratio_to_raw_without_schema": ratio("ours", "free"),
        "schema_ratio": ratio("raw", "free"),
        "schema_ratio_of_cpu_seconds": ratio("raw", "free", "cpu"),
        "chunks_ratio": ratio("chunks", "ours"),
        "chunks_ratio_of_cpu_seconds": ratio("chunks", "ours", "cpu"),
        "chunks": CHUNKS,
        "tokens_per_second": {
            way: round(median(rate(found, way) for found in rounds), 1)
            for way in ("ours", "raw", "chunks", "free")
        },
        "same_number_of_tokens": all(f["ours"]["tokens"] == f["raw"]["tokens"] for f in rounds),
        "overhead_ms": round(1000 * median(overheads), 2),
        "prefix_hit_rate": middle("ours", "prefix"),
        "prefix_hit_rate_raw": middle("raw", "prefix"),
        "prompts": int(sum(found["ours"]["prompts"] for found in rounds)),
        "accepted": int(sum(found["ours"]["accepted"] for found in rounds)),
        "rerun_prompts": int(sum(found["rerun"]["prompts"] for found in rounds)),
    }


def main() -> None:
    """Measures, and prints a JSON object or one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    size = 12 if is_cpu_build() else 512
    parser.add_argument("--model", default="bundled", help='"bundled", a folder or an id')
    parser.add_argument("--dummy", action="store_true", help="random weights of its shape")
    parser.add_argument("--language", default="en", help="of the reports")
    parser.add_argument("--prompts", type=int, default=size, help="in each round")
    parser.add_argument("--rounds", type=int, default=3, help="measured, after one to warm up")
    parser.add_argument("--users", type=int, default=2000, help="of the sample match lists")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    found = measure(options)
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<30} {value}")


if __name__ == "__main__":
    main()
