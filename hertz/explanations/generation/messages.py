"""What the parent and the language model's process send each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

Conversation = list[dict[str, str]]  # messages with a role and a content, the last by the user
MEMORY = "memory"  # request for the memory in use, instead of a part


@dataclass(frozen=True, slots=True)
class Prompt:
    """One text to be written."""

    conversation: Conversation
    schema: dict[str, Any]  # JSON schema of the answer
    seed: int
    temperature: float = 0.0  # 0 always chooses the likeliest token


class Part(NamedTuple):
    """Prompts that are sent together, and whether another part follows."""

    prompts: list[Prompt]
    more: bool


@dataclass(frozen=True, slots=True)
class Generated:
    """One answer of the model.

    `finish_reason` is "stop", "length" where the answer was cut, or "too_long" where the prompt
    left no room for an answer and was not sent.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    output_tokens: int
    cached_tokens: int = 0  # of the prompt, found in the prefix cache

    @property
    def unreadable(self) -> str:
        """Name of the check that the answer fails if it cannot be read."""
        return "cut_off" if self.finish_reason == "length" else "json"


class Memory(NamedTuple):
    """Bytes of memory in use: now, and at most so far."""

    now: int
    peak: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """A loaded model: the time it took, its memory, what it runs on, its weights' precision."""

    seconds: float
    memory_bytes: int
    device: str
    dtype: str
