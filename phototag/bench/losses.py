"""What a face embedding is trained for. Tensors of any Keras backend; all vectors are of unit
length unless said."""

from __future__ import annotations

from typing import Any

from keras import ops


def unit(vectors: Any) -> Any:
    """[n, d] at length 1."""
    return vectors / ops.maximum(ops.norm(vectors, axis=-1, keepdims=True), 1e-12)


def cosine_loss(vectors: Any, targets: Any) -> Any:
    """1 - cosine to the teacher's vectors, mean over the batch."""
    return 1.0 - ops.mean(ops.sum(vectors * targets, axis=-1))


def relation_loss(vectors: Any, targets: Any, *, bend: float = 0.1) -> Any:
    """How far the batch's similarities to each other are from the teacher's.

    Huber's loss, quadratic below `bend`, linear above, times 10 (relational distillation, Park,
    Kim, Lu and Cho 2019, with similarities in place of distances).
    """
    off = ops.abs(
        ops.matmul(vectors, ops.transpose(vectors)) - ops.matmul(targets, ops.transpose(targets))
    )
    return 10.0 * ops.mean(ops.where(off < bend, 0.5 * off * off / bend, off - 0.5 * bend))


def identity_loss(
    vectors: Any, centres: Any, labels: Any, *, margin: float, sharpness: float
) -> Any:
    """ArcFace (Deng, Guo, Xue and Zafeiriou 2019) over the faces of known identity; those with
    label -1 do not count.

    `centres` [people, d] of any length, `labels` [n], `margin` in radians.
    """
    known = labels >= 0
    safe = ops.where(known, labels, 0)
    cosines = ops.clip(ops.matmul(vectors, ops.transpose(unit(centres))), -0.999, 0.999)
    own = ops.one_hot(safe, ops.shape(centres)[0], dtype=cosines.dtype)
    moved = ops.cos(ops.arccos(cosines) + margin)
    logits = sharpness * (cosines + own * (moved - cosines))
    each = ops.logsumexp(logits, axis=-1) - ops.sum(own * logits, axis=-1)
    weight = ops.cast(known, each.dtype)
    return ops.sum(each * weight) / ops.maximum(ops.sum(weight), 1.0)
