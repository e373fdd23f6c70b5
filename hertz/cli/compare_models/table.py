"""The table of language models in Markdown, and the one that the service made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson

from hertz.cli.compare_models.measure import Measured

BY_HAND = "the service, by hand"
SHOWN_CHECKS = 3


def _by_hand(
    model: str, vllm: bool | None, load: float, inference: float, *memory: float
) -> Measured:
    loaded, inferring = memory or (None, None)
    return Measured(
        model,
        BY_HAND,
        vllm=vllm,
        load_s=load,
        single_s=inference,
        loaded_mb=loaded,
        inferring_mb=inferring,
    )


SERVICE = (
    _by_hand(
        "naver-hyperclovax/HyperCLOVAX-SEED-Vision-Instruct-3B", False, 52.98, 14.32, 7667, 7913
    ),
    _by_hand("kakaocorp/kanana-nano-2.1b-instruct", False, 26.88, 20.86, 4577, 4835),
    Measured("microsoft/bitnet-b1.58-2B-4T", BY_HAND, error="loading failed"),
    _by_hand("meta-llama/Meta-Llama-3.1-8B-Instruct", True, 60.54, 22.56, 15743, 16079),
    _by_hand("Qwen/Qwen3-8B", True, 95.97, 56.45, 16049, 16521),
    _by_hand("Qwen/Qwen2.5-7B-Instruct-1M", True, 100.69, 17.61, 14951, 15239),
    _by_hand("google/gemma-2-9b", True, 126.35, 61.57),
    _by_hand("LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct", True, 99.02, 18.38, 17815, 18903),
)
"""As the service noted it."""


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _support(row: Measured) -> str:
    return {True: "yes", False: "no", None: "-"}[row.vllm]


COLUMNS: dict[str, Callable[[Measured], str]] = {
    "model": lambda row: _escaped(name(row)),
    "vLLM": _support,
    "load, s": lambda row: _seconds(row.load_s),
    "a report alone, s": lambda row: _seconds(row.single_s),
    "a report in a batch, s": lambda row: _seconds(row.batch_s),
    "tokens/s": lambda row: _whole(row.tokens_per_s),
    "MB loaded": lambda row: _whole(row.loaded_mb),
    "MB inferring": lambda row: _whole(row.inferring_mb),
    "valid JSON": lambda row: _share(row.valid),
    "grounded": lambda row: _share(row.grounded),
    "accepted": lambda row: _share(row.accepted),
    "": lambda row: _escaped(remark(row)),
}
OF_SERVICE = (*list(COLUMNS)[:4], "MB loaded", "MB inferring", "")


def markdown(rows: Sequence[Measured], notes: Sequence[str]) -> str:
    """Both tables, and under them what the figures depend on.

    Args:
        rows: What was measured.
        notes: Lines about the reports and the machine.
    """
    devices = ", ".join(dict.fromkeys(f"{row.device} ({row.dtype})" for row in rows if row.device))
    on_cpu = any(row.device == "cpu" for row in rows)
    memory = "resident memory of its process" if on_cpu else "GPU memory, 4 GiB of cache included"
    said = [*notes, f"device: {devices or 'none'}; MB: {memory}"]
    if any(row.dummy for row in rows):
        said.append("dummy: random weights of the model's shape: speed and memory alone mean much")
    return "\n".join(
        [
            "# Language models, measured",
            "",
            *_table(rows, tuple(COLUMNS)),
            "",
            *(f"- {line}" for line in said),
            "",
            "## The service's table, by hand, for reference",
            "",
            *_table(SERVICE, OF_SERVICE),
            "",
            "Its machine and its reports were others (870-1,200 characters, one at a time).",
            "",
        ]
    )


def name(row: Measured) -> str:
    """A model as it is shown: random weights say so."""
    return f"{row.model} (dummy)" if row.dummy else row.model


def remark(row: Measured) -> str:
    """Why figures are missing, or which checks failed most often."""
    if row.error:
        return row.error
    failed = orjson.loads(row.failed_checks or "{}")
    most = [f"{check} {count}" for check, count in list(failed.items())[:SHOWN_CHECKS]]
    return f"failed: {', '.join(most)}" if most else ""


def _table(rows: Sequence[Measured], columns: Sequence[str]) -> list[str]:
    lines = ["| " + " | ".join(columns) + " |"]
    lines.append("|---|---|" + "---:|" * (len(columns) - 3) + "---|")
    lines += ["| " + " | ".join(COLUMNS[column](row) for column in columns) + " |" for row in rows]
    return lines


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
