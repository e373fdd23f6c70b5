"""Wrong configurations of the language model are found before a run begins."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hertz.core.errors import ModelError
from hertz.explanations.generation.engine import is_cpu_build
from hertz.explanations.settings import ExplanationSettings
from hertz.policy.model import Policy
from hertz.stages import check_model as module
from hertz.stages.check_model import check_language_model, check_schema
from hertz.stages.nightly import EXPLAIN_ONLY, NIGHTLY, ON_DEMAND, nightly
from tests.nights import settings_for
from tests.stages.explain.explaining import model_folder

TB = 1 << 40


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(model_folder(tmp_path / "model"))


def test_a_good_model_and_none_at_all_pass(service_policy: Policy, model: str) -> None:
    both = ("en", "ko")
    check_language_model(service_policy, ExplanationSettings(model=model, languages=both))
    check_language_model(service_policy, ExplanationSettings(model=""))


@pytest.mark.skipif(not is_cpu_build(), reason="of the CPU build")
@pytest.mark.parametrize("changed", [{"device": "cuda"}, {"tensor_parallel_size": 2}])
def test_a_gpu_that_is_demanded_where_none_is(
    service_policy: Policy, model: str, changed: dict[str, object]
) -> None:
    with pytest.raises(ModelError, match="demands a GPU, but the installed vLLM is the CPU build"):
        check_language_model(service_policy, ExplanationSettings(model=model, **changed))


def test_a_cuda_build_without_enough_gpus(
    service_policy: Policy, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "is_cpu_build", lambda: False)
    monkeypatch.setattr(module, "_gpus", lambda: 1)
    with pytest.raises(ModelError, match=r"needs 4 GPU\(s\), this machine shows 1"):
        check_language_model(
            service_policy, ExplanationSettings(model=model, tensor_parallel_size=4)
        )
    several = ExplanationSettings(model=model, engines=2)
    with pytest.raises(ModelError, match=r"engines = 2 needs 2 GPU\(s\), this machine shows 1"):
        check_language_model(service_policy, several)
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    check_language_model(service_policy, several)  # the cluster's machines may have more
    with pytest.raises(ModelError, match="installed vLLM is built for CUDA"):
        check_language_model(service_policy, ExplanationSettings(model=model, device="cpu"))


def test_several_engines_without_ray(
    service_policy: Policy, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    with pytest.raises(ModelError, match=r"but ray cannot be imported; `pip install 'ray\[data\]"):
        check_language_model(service_policy, ExplanationSettings(model=model, engines=2))
    check_language_model(service_policy, ExplanationSettings(model=model, engines=1))


def test_too_little_memory(service_policy: Policy, model: str, tmp_path: Path) -> None:
    header = {"w": {"dtype": "BF16", "shape": [TB], "data_offsets": [0, TB]}}
    encoded = json.dumps(header).encode()
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(len(encoded).to_bytes(8, "little") + encoded)
    with pytest.raises(ModelError, match=r"needs at least \d+\.\d GiB of .*memory.* are free"):
        check_language_model(service_policy, ExplanationSettings(model=model))
    dummy = ExplanationSettings(model=model, load_format="dummy")
    check_language_model(service_policy, dummy)


def test_a_schema_that_the_engine_refuses() -> None:
    check_schema({"type": "string", "pattern": "^[a-z]+$"}, "en")
    with pytest.raises(ModelError, match="schema of answers in 'ko' is refused by xgrammar: "):
        check_schema({"type": "string", "pattern": "^[a-z"}, "ko")


def test_a_night_that_would_start_a_model_looks_first_and_leaves_all_as_it_was(
    tmp_path: Path,
) -> None:
    source = tmp_path / "none.parquet"  # would be read next
    with pytest.raises(ModelError, match="no such folder"):
        nightly(settings_for(tmp_path, source, str(tmp_path / "none")))
    assert list((tmp_path / "home" / "snapshots").glob("[!.]*")) == []
    assert [stages[0].__name__ for stages in (NIGHTLY, EXPLAIN_ONLY)] == ["check_model"] * 2
    assert "check_model" not in [stage.__name__ for stage in ON_DEMAND]
