"""The stage's engine, which also answers raw `vllm.LLM.generate`, for `bench/explanations.py`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import psutil

from hertz.explanations.generation.child_process import Heartbeat, Serve
from hertz.explanations.generation.engine import load_engine
from hertz.explanations.generation.generator import VllmGenerator
from hertz.explanations.generation.messages import Generated, Loaded, Part, Prompt
from hertz.explanations.settings import ExplanationSettings

RESET = "reset"  # request to empty the prefix cache


class RawRequest(NamedTuple):
    """Prompts for one `LLM.generate`; with `lengths` without schema, each answer that long."""

    raw_prompts: list[Prompt]
    lengths: list[int] | None


class RawRun(NamedTuple):
    """What one `LLM.generate` took and wrote."""

    seconds: float
    cpu_seconds: float
    output_tokens: int
    prompt_tokens: int
    cached_tokens: int


def load_both(model: str, settings: ExplanationSettings) -> tuple[Loaded, Serve]:
    """Loads the stage's own engine in the child, and lets it answer raw requests as well."""
    loaded, serve = load_engine(model, settings)
    llm = serve.__self__.llm  # type: ignore[attr-defined]

    def answers(requests: Iterator[Any], beat: Heartbeat) -> Iterator[Any]:
        for request in requests:
            if request == RESET:
                yield llm.reset_prefix_cache()
            elif isinstance(request, RawRequest):
                yield generate(llm, settings, request)
            else:
                yield from serve(_parts(request, requests), beat)

    return loaded, answers


def _parts(part: Part, requests: Iterator[Any]) -> Iterator[Part]:
    """Yields a part and those that follow it."""
    yield part
    while part.more:
        part = next(requests)
        yield part


def generate(llm: Any, settings: ExplanationSettings, request: RawRequest) -> RawRun:  # noqa: ANN401  vllm.LLM
    """Runs one `LLM.generate` over all prompts."""
    from vllm import SamplingParams, TokensPrompt
    from vllm.sampling_params import StructuredOutputsParams

    prompts, lengths = request
    template = llm.get_tokenizer().apply_chat_template
    how = {"tokenize": True, "add_generation_prompt": True, "return_dict": False}
    tokens = [TokensPrompt(prompt_token_ids=template(p.conversation, **how)) for p in prompts]
    sampling = [
        SamplingParams(
            temperature=prompt.temperature,
            seed=prompt.seed,
            max_tokens=lengths[at] if lengths else settings.max_tokens,
            ignore_eos=lengths is not None,
            structured_outputs=None if lengths else StructuredOutputsParams(json=prompt.schema),
        )
        for at, prompt in enumerate(prompts)
    ]
    started, cpu_started = time.perf_counter(), time.process_time()
    outputs = llm.generate(tokens, sampling, use_tqdm=False)
    return RawRun(
        seconds=time.perf_counter() - started,
        cpu_seconds=time.process_time() - cpu_started,
        output_tokens=sum(len(output.outputs[0].token_ids) for output in outputs),
        prompt_tokens=sum(len(output.prompt_token_ids) for output in outputs),
        cached_tokens=sum(output.num_cached_tokens or 0 for output in outputs),
    )


class Both(VllmGenerator):
    """The stage's generator over `load_both`, which remembers its answers.

    Attributes:
        answered: Answers since the last reset.
    """

    def __init__(self, model: str, settings: ExplanationSettings) -> None:
        super().__init__(model, settings, load_both)
        self.answered: list[Generated] = []

    def stream(self, parts: Iterable[Sequence[Prompt]]) -> Iterator[list[Generated]]:
        """Yields the answers of each part, in order, and remembers them."""
        for answers in super().stream(parts):
            self.answered += answers
            yield answers

    def raw(self, prompts: Sequence[Prompt], lengths: list[int] | None = None) -> dict[str, float]:
        """Returns the figures of one `LLM.generate` with an empty prefix cache."""
        self.reset()
        run: RawRun = self._worker.ask(RawRequest(list(prompts), lengths))
        return {
            "tokens": run.output_tokens,
            "seconds": run.seconds,
            "cpu": run.cpu_seconds,
            "prefix": run.cached_tokens / run.prompt_tokens,
        }

    def cpu_seconds(self) -> float:
        """Returns the CPU time of this process and the engine's so far."""
        engine = psutil.Process(self.pid).cpu_times()
        return time.process_time() + engine.user + engine.system

    def reset(self) -> None:
        """Forgets the answers, and empties the prefix cache."""
        self.answered = []
        if not self._worker.ask(RESET):
            sys.exit("the prefix cache could not be emptied: something is still being written")


class Recorder:
    """A generator that writes nothing, and remembers the prompts it was given."""

    restarts = 0

    def __init__(self) -> None:
        self.asked: list[Prompt] = []

    def stream(self, parts: Iterable[Sequence[Prompt]]) -> Iterator[list[Generated]]:
        """Yields an empty answer to each prompt."""
        for part in parts:
            self.asked += part
            yield [Generated("", "stop", 0, 0) for _ in part]
