"""The stage `explain` against raw `vllm.LLM.generate` on the same prompts, in one engine.

    python bench/explanations.py [--prompts 12] [--rounds 3] [--model bundled] [--dummy] [--json]

One engine is loaded. In every round new pairs are explained four ways, each with an empty prefix
cache: by the stage as one batch and by `LLM.generate` with the same prompts, schema and sampling
(raw, ours, ours, raw, so that a machine that gets slower or faster favors neither), by the stage
in many chunks, and by `LLM.generate` without the schema but forced to as many tokens. What is
printed are medians over the rounds. `ratio_to_raw_vllm` compares the stage's whole wall time
(prompts, pipe, checks, cache, template voice, files) with that of `LLM.generate` alone, which gets
its prompts as token ids. Without retries, which would be further prompts.
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

    from hertz.cli.compare_models.compared_pairs import Case, Lists
    from hertz.explanations.generation.generator import Generator
    from hertz.explanations.generation.messages import Generated, Prompt
    from hertz.explanations.settings import ExplanationSettings
    from hertz.policy.model import Policy
    from hertz.stages.run import Run

# Everything else is imported where it is used: the language model's process imports this file, too.

ROOT = Path(__file__).parent.parent
CHUNKS = 4  # parts of a round, where it is written in many
WARM_UP = 2  # prompts that nothing is measured by


class Stage:
    """The stage `explain` in a home of its own, over a kept engine."""

    def __init__(self, folder: Path, settings: ExplanationSettings, engine: Both) -> None:
        self.folder, self.settings, self.engine, self.runs = folder, settings, engine, 0

    def asked(self, lists: Lists, chunk: int, home: str) -> list[Prompt]:
        """The prompts that explaining everyone in the lists takes."""
        recorder = Recorder()
        self._explain(self._run(lists, chunk, home), recorder)
        return recorder.asked

    def run(self, lists: Lists, chunk: int, home: str) -> dict[str, float]:
        """Explain everyone in the lists; the engine's prefix cache is empty before."""
        run = self._run(lists, chunk, home)
        self.engine.reset()
        started, cpu = time.perf_counter(), self.engine.cpu_seconds()
        self._explain(run, self.engine)
        seconds, cpu = time.perf_counter() - started, self.engine.cpu_seconds() - cpu
        answered = self.engine.answered
        given = sum(one.prompt_tokens for one in answered)
        return {
            "tokens": sum(one.output_tokens for one in answered),
            "seconds": seconds,
            "cpu": cpu,
            "prefix": sum(one.cached_tokens for one in answered) / given if given else 0.0,
            "prompts": len(answered),
            "accepted": run.stages["explain"]["accepted"],
        }

    def _run(self, lists: Lists, chunk: int, home: str) -> Run:
        """A new run whose matches are these."""
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


def one_round(stage: Stage, lists: Lists, prompts: int, name: str) -> dict[str, dict[str, float]]:
    """The same pairs four ways, and once more with nothing changed."""
    whole, many = 3 * prompts, 3 * max(1, prompts // CHUNKS)  # three parts are a chunk
    asked = stage.asked(lists, whole, f"{name}-asked")
    raw = [stage.engine.raw(asked)]
    ours = [stage.run(lists, whole, f"{name}-{turn}") for turn in ("first", "second")]
    answered = stage.engine.answered
    raw.append(stage.engine.raw(asked))
    found = {"ours": mean(ours), "raw": mean(raw)}
    found["chunks"] = stage.run(lists, many, f"{name}-chunks")
    found["free"] = stage.engine.raw(asked, [one.output_tokens for one in answered])
    found["rerun"] = stage.run(lists, whole, f"{name}-second")
    for how, figures in found.items():
        rate = figures["tokens"] / figures["seconds"]
        print(
            f"{name} {how:<7} {figures['tokens']:>8,.0f} tokens {figures['seconds']:>8.2f} s "
            f"{rate:>8,.0f} a second",
            file=sys.stderr,
        )
    stage.engine.answered = answered
    return found


def mean(runs: list[dict[str, float]]) -> dict[str, float]:
    """Each figure's mean over the runs."""
    return {figure: fmean(run[figure] for run in runs) for figure in runs[0]}


def check_milliseconds(policy: Policy, cases: list[Case], answered: list[Generated]) -> float:
    """Median CPU time of reading and checking an explanation: the model's, else the template's.

    An unreadable answer costs next to nothing, so only readable ones count.
    """
    from hertz.explanations.checks.grounding import failed_checks
    from hertz.explanations.facts import pair_facts
    from hertz.explanations.prompts.prompts import read_answer
    from hertz.explanations.voices.template import render

    def check(case: Case, text: str) -> float:
        started = time.thread_time()
        found = read_answer(text, case.told)
        if found is None:
            facts = pair_facts(policy, case.category, case.a, case.b)
            found = render(policy, case.category, case.language, facts, "bench")
            started = time.thread_time()
        failed_checks(policy, case.category, case.language, case.a, case.b, found)
        return time.thread_time() - started

    pairs = list(zip(cases, answered, strict=True))
    for case, one in pairs:
        check(case, one.text)
    return 1000 * median(check(case, one.text) for _ in range(20) for case, one in pairs)


def lists_of(lists: Lists, pairs: pl.DataFrame, top: int) -> Lists:
    """The lists cut down to these pairs."""
    import polars as pl

    from hertz.cli.compare_models.compared_pairs import Lists

    low, high = (
        horizontal("user_id", "other_id") for horizontal in (pl.min_horizontal, pl.max_horizontal)
    )
    matches = lists.matches.filter(pl.col("rank") <= top).with_columns(user_a=low, user_b=high)
    kept = matches.join(pairs, on=["category", "user_a", "user_b"], how="semi")
    users = pl.concat([pairs["user_a"], pairs["user_b"]]).unique().implode()
    profiles = lists.profiles.filter(pl.col("user_id").is_in(users))
    return Lists(profiles, kept.drop("user_a", "user_b"))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Everything, as one object."""
    from hertz.cli.compare_models.compared_pairs import cases, sample_lists
    from hertz.cli.compare_models.measure import settings_for
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
    print(f"lists of {options.users:,} made-up users", file=sys.stderr)
    lists = sample_lists(policy, 7, options.users)
    ends = range(WARM_UP, WARM_UP + options.prompts * options.rounds + 1, options.prompts)
    wanted = cases(policy, lists, top, ends[-1], (language,))
    print(f"loading {options.model}", file=sys.stderr)
    model = find_language_model(chosen)
    with tempfile.TemporaryDirectory() as folder, Both(model.source, chosen) as engine:
        stage = Stage(Path(folder), chosen, engine)
        found = []
        for at, (start, end) in enumerate(pairwise((0, *ends))):
            part = wanted[start:end]
            of_round = lists_of(lists, pairs_of(part), top)
            found.append(one_round(stage, of_round, len(part), f"round {at}"))
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


def pairs_of(part: list[Case]) -> pl.DataFrame:
    """The cases' pairs."""
    import polars as pl

    rows = [(case.category, case.a["user_id"], case.b["user_id"]) for case in part]
    return pl.DataFrame(rows, ["category", "user_a", "user_b"], orient="row")


def ratios(rounds: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Medians over the rounds."""

    def rate(found: dict[str, dict[str, float]], how: str, by: str = "seconds") -> float:
        return found[how]["tokens"] / found[how][by]

    def over(how: str, other: str, by: str = "seconds") -> float:
        return round(median(rate(f, how, by) / rate(f, other, by) for f in rounds), 3)

    def middle(how: str, figure: str, digits: int = 3) -> float:
        return round(median(found[how][figure] for found in rounds), digits)

    return {
        "ratio_to_raw_vllm": over("ours", "raw"),
        "ratio_by_round": [round(rate(f, "ours") / rate(f, "raw"), 3) for f in rounds],
        "ratio_of_cpu_seconds": over("ours", "raw", "cpu"),
        "ratio_to_raw_without_schema": over("ours", "free"),
        "schema_ratio": over("raw", "free"),
        "schema_ratio_of_cpu_seconds": over("raw", "free", "cpu"),
        "chunks_ratio": over("chunks", "ours"),
        "chunks_ratio_of_cpu_seconds": over("chunks", "ours", "cpu"),
        "chunks": CHUNKS,
        "tokens_per_second": {
            how: round(median(rate(found, how) for found in rounds), 1)
            for how in ("ours", "raw", "chunks", "free")
        },
        "same_number_of_tokens": all(f["ours"]["tokens"] == f["raw"]["tokens"] for f in rounds),
        "overhead_ms": round(
            1000
            * median(
                (found["ours"]["seconds"] - found["raw"]["seconds"]) / found["ours"]["prompts"]
                for found in rounds
            ),
            2,
        ),
        "prefix_hit_rate": middle("ours", "prefix"),
        "prefix_hit_rate_raw": middle("raw", "prefix"),
        "prompts": int(sum(found["ours"]["prompts"] for found in rounds)),
        "accepted": int(sum(found["ours"]["accepted"] for found in rounds)),
        "rerun_prompts": int(sum(found["rerun"]["prompts"] for found in rounds)),
    }


def main() -> None:
    """Measure, and print the JSON object or its lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    size = 12 if is_cpu_build() else 512
    parser.add_argument("--model", default="bundled", help='"bundled", a folder or an id')
    parser.add_argument("--dummy", action="store_true", help="random weights of its shape")
    parser.add_argument("--language", default="en")
    parser.add_argument("--prompts", type=int, default=size, help="in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--users", type=int, default=2000, help="of the made-up lists")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    found = measure(options := parser.parse_args())
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<30} {value}")


if __name__ == "__main__":
    main()
