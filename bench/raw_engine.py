"""The stage's engine that also answers raw `vllm.LLM.generate`: for `bench/explanations.py`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import psutil

from hertz.explanations.generation.engine import load_engine
from hertz.explanations.generation.generator import Generated, Prompt, VllmGenerator
from hertz.explanations.settings import ExplanationSettings

RAW, RESET = "raw", "reset"


def load_both(model: str, settings: ExplanationSettings) -> tuple[Any, Callable[..., Any]]:
    """In the child: the stage's own engine, which also answers raw requests."""
    about, serve = load_engine(model, settings)
    llm = serve.__self__.llm  # type: ignore[attr-defined]

    def answers(requests: Iterator[Any], beat: Callable[[], None]) -> Iterator[Any]:
        for request in requests:
            if request[0] == RESET:
                yield llm.reset_prefix_cache()
            elif request[0] == RAW:
                yield raw(llm, settings, *request[1:])
            else:
                yield from serve(_parts(request, requests), beat)

    return about, answers


def _parts(part: Any, requests: Iterator[Any]) -> Iterator[Any]:  # noqa: ANN401
    """The parts that belong together: each says whether another follows."""
    yield part
    while part[1]:
        part = next(requests)
        yield part


def raw(
    llm: Any,  # noqa: ANN401  vllm.LLM
    settings: ExplanationSettings,
    prompts: list[tuple[Any, ...]],
    lengths: list[int] | None,
) -> tuple[float, float, int, int, int]:
    """One `LLM.generate`: seconds, CPU seconds, output, prompt and cached tokens.

    With `lengths` there is no schema, and each answer is exactly so long.
    """
    from vllm import SamplingParams, TokensPrompt
    from vllm.sampling_params import StructuredOutputsParams

    template = llm.get_tokenizer().apply_chat_template
    how = {"tokenize": True, "add_generation_prompt": True, "return_dict": False}
    tokens = [TokensPrompt(prompt_token_ids=template(talk, **how)) for talk, *_ in prompts]
    sampling = [
        SamplingParams(
            temperature=temperature,
            seed=seed,
            max_tokens=lengths[at] if lengths else settings.max_tokens,
            ignore_eos=lengths is not None,
            structured_outputs=None if lengths else StructuredOutputsParams(json=schema),
        )
        for at, (_, schema, seed, temperature) in enumerate(prompts)
    ]
    started, cpu = time.perf_counter(), time.process_time()
    outputs = llm.generate(tokens, sampling, use_tqdm=False)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    written = sum(len(output.outputs[0].token_ids) for output in outputs)
    given = sum(len(output.prompt_token_ids) for output in outputs)
    return seconds, cpu, written, given, sum(output.num_cached_tokens or 0 for output in outputs)


class Both(VllmGenerator):
    """The stage's generator over `load_both`; remembers what was answered."""

    def __init__(self, model: str, settings: ExplanationSettings) -> None:
        super().__init__(model, settings, load_both)
        self.answered: list[Generated] = []

    def stream(self, parts: Iterable[Sequence[Prompt]]) -> Iterator[list[Generated]]:
        """As it is, remembered."""
        for answers in super().stream(parts):
            self.answered += answers
            yield answers

    def raw(self, prompts: Sequence[Prompt], lengths: list[int] | None = None) -> dict[str, float]:
        """`LLM.generate` with an empty prefix cache."""
        self.reset()
        plain = [(p.conversation, p.schema, p.seed, p.temperature) for p in prompts]
        seconds, cpu, written, given, cached = self._worker.ask((RAW, plain, lengths))
        return {"tokens": written, "seconds": seconds, "cpu": cpu, "prefix": cached / given}

    def cpu_seconds(self) -> float:
        """Of this process and the engine's, so far."""
        engine = psutil.Process(self.pid).cpu_times()
        return time.process_time() + engine.user + engine.system

    def reset(self) -> None:
        """Forget what was answered, and the prefix cache."""
        self.answered = []
        if not self._worker.ask((RESET,)):
            sys.exit("the prefix cache could not be emptied: something is still being written")


class Recorder:
    """A generator that writes nothing, and remembers what it was asked."""

    restarts = 0

    def __init__(self) -> None:
        self.asked: list[Prompt] = []

    def stream(self, parts: Iterable[Sequence[Prompt]]) -> Iterator[list[Generated]]:
        """Nothing, for each prompt."""
        for part in parts:
            self.asked += part
            yield [Generated("", "stop", 0, 0) for _ in part]
