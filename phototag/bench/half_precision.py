"""Which half precision this machine trains in, and whether it is faster here."""

from __future__ import annotations

from pathlib import Path

from phototag.errors import UsageError

FLAGS = Path("/proc/cpuinfo")

AMX, AVX512 = "amx_bf16", "avx512_bf16"
"""Linux's names of the two instruction sets that multiply bfloat16."""


def policy_for(precision: str, *, pretrained: bool, gpus: bool, flags: frozenset[str]) -> str:
    """Keras's name of the policy for a plan's `auto`, `float32` or `mixed`.

    A GPU takes float16. A processor takes bfloat16: by itself where it has AMX and the network
    starts from trained weights, else when asked for. On two cores with AMX, VGG16 frozen but for
    its last block learns from 163 to 194 faces/s at 48 px, in float32 from 95 to 98, and comes out
    as good (98.3 % of 121 held-out faces); a small CNN from scratch comes out worse (53.7 %, in
    float32 66.1 %). Raises UsageError for `mixed` on a processor that has no bfloat16.
    """
    if precision == "float32":
        return "float32"
    if gpus:
        return "mixed_float16"
    if precision == "mixed":
        if flags & {AMX, AVX512}:
            return "mixed_bfloat16"
        raise UsageError(
            "--precision mixed needs a GPU, or a processor with AMX or AVX-512 for bfloat16; there "
            "is none here. Leave it out."
        )
    return "mixed_bfloat16" if pretrained and AMX in flags else "float32"


def processor_flags() -> frozenset[str]:
    """What the processor can do, in Linux's words; empty on another system."""
    try:
        lines = FLAGS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    found = (line.partition(":")[2].split() for line in lines if line.startswith("flags"))
    return frozenset(next(found, []))
