"""Half precision: which one is taken where, and that what it learns is whole."""

from __future__ import annotations

import pytest

from phototag.bench.half_precision import AMX, AVX512, policy_for, processor_flags
from phototag.errors import UsageError

NONE: frozenset[str] = frozenset()
BOTH = frozenset({AMX, AVX512})
CASES = [
    ("auto", True, True, NONE, "mixed_float16"),
    ("auto", True, False, BOTH, "mixed_bfloat16"),
    ("auto", False, False, BOTH, "float32"),
    ("auto", True, False, frozenset({AVX512}), "float32"),
    ("auto", True, False, NONE, "float32"),
    ("mixed", True, True, NONE, "mixed_float16"),
    ("mixed", False, False, frozenset({AVX512}), "mixed_bfloat16"),
    ("float32", True, True, BOTH, "float32"),
]


@pytest.mark.parametrize(("asked", "pretrained", "gpus", "flags", "policy"), CASES)
def test_precision_follows_what_was_asked_the_weights_and_what_the_machine_has(
    asked: str, pretrained: bool, gpus: bool, flags: frozenset[str], policy: str
) -> None:
    assert policy_for(asked, pretrained=pretrained, gpus=gpus, flags=flags) == policy


def test_half_precision_that_the_machine_lacks_is_an_error_that_says_so() -> None:
    with pytest.raises(UsageError, match="AMX"):
        policy_for("mixed", pretrained=True, gpus=False, flags=frozenset({"avx2"}))


def test_the_processor_tells_what_it_can_do(tmp_path, monkeypatch) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text(
        "processor\t: 0\nflags\t\t: fpu amx_bf16 avx2\n\nprocessor\t: 1\nflags\t\t: fpu\n"
    )
    monkeypatch.setattr("phototag.bench.half_precision.FLAGS", told)
    assert processor_flags() == {"fpu", "amx_bf16", "avx2"}
    monkeypatch.setattr("phototag.bench.half_precision.FLAGS", tmp_path / "nowhere")
    assert processor_flags() == frozenset()
