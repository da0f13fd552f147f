"""People who do not exist: averages of several aligned faces of different people.

The faces are brought onto one another by a smooth optical flow before they are averaged, so that
eyes meet eyes; then each octave of detail gets back the strength that averaging took from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Flow = NDArray[np.float32]

SIDE = 112
_Y, _X = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
_INNER = np.clip(1.35 - np.hypot((_X - 56) / 44, (_Y - 68) / 58), 0, 0.35) / 0.35
"""Where a crop shows the face, softly: what the flow listens to."""


def load(folder: Path, ids: Sequence[tuple[int, int]]) -> list[Image]:
    """The faces (shard, index) [112,112,3] RGB 0..255 out of `shard-*.npz`."""
    out = []
    for shard, index in ids:
        with np.load(folder / f"shard-{shard}.npz") as z:
            data, offsets = z["data"], z["offsets"]
        face = cv2.imdecode(data[offsets[index] : offsets[index + 1]], cv2.IMREAD_COLOR)
        if face is None:
            raise ValueError(f"face {index} of shard {shard} cannot be decoded")
        out.append(np.ascontiguousarray(face[..., ::-1]).astype(np.float32))
    return out


def _contrast(face: Image) -> Image:
    """Structure without light: brightness relative to its surroundings."""
    grey = cv2.cvtColor(np.clip(face, 0, 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)
    grey = grey.astype(np.float32)
    centre = grey - cv2.GaussianBlur(grey, (0, 0), 9)
    return np.asarray(centre / np.sqrt(cv2.GaussianBlur(centre**2, (0, 0), 9) + 36), np.float32)


def warp(face: Image, flow: Flow) -> Image:
    moved = cv2.remap(
        face, _X + flow[..., 0], _Y + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.float32)


def _flow(reference: Image, face: Image, start: Flow, smooth: float) -> Flow:
    """Where `reference` finds itself in `face`: smooth, and at most seven pixels away."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setFinestScale(0)
    dis.setPatchSize(12)
    dis.setPatchStride(3)
    dis.setGradientDescentIterations(30)
    dis.setVariationalRefinementIterations(8)
    dis.setVariationalRefinementAlpha(40)
    a, b = (np.clip(v * 45 + 128, 0, 255).astype(np.uint8) for v in (reference, _contrast(face)))
    raw = dis.calc(a, b, start.copy())
    weight = _INNER + 0.02
    norm = cv2.GaussianBlur(weight, (0, 0), smooth)
    flow = np.dstack(
        [cv2.GaussianBlur(raw[..., c] * weight, (0, 0), smooth) / norm for c in (0, 1)]
    )
    size = np.hypot(flow[..., 0], flow[..., 1])
    return np.asarray(flow * (np.minimum(size, 7) / np.maximum(size, 1e-3))[..., None], np.float32)


def register(faces: Sequence[Image]) -> list[Flow]:
    """Flows that bring each face onto the shape in the middle of them all."""
    flows = [np.zeros((SIDE, SIDE, 2), np.float32) for _ in faces]
    for turn, smooth in enumerate((6.0, 4.5, 3.5, 3.0)):
        mean = np.mean([_contrast(warp(i, f)) for i, f in zip(faces, flows, strict=True)], axis=0)
        if turn == 0:
            mean = (mean + mean[:, ::-1]) / 2
        flows = [_flow(mean * 1.3, i, f, smooth) for i, f in zip(faces, flows, strict=True)]
        drift = np.mean(flows, axis=0)
        flows = [f - drift for f in flows]
    return flows


def _octaves(image: Image) -> tuple[list[Image], Image]:
    bands, rest = [], image
    for sigma in (0.8, 1.6, 3.2, 6.4):
        soft = cv2.GaussianBlur(image, (0, 0), sigma)
        bands.append(rest - soft)
        rest = soft
    return bands, rest


def average(faces: Sequence[Image], flows: Sequence[Flow], weights: Sequence[float]) -> Image:
    """The weighted average [112,112,3] RGB 0..255: common light and shape, full detail."""
    share = np.asarray(weights, np.float32) / np.sum(weights)
    moved = [warp(i, f) for i, f in zip(faces, flows, strict=True)]
    lights = [cv2.GaussianBlur(i, (0, 0), 14) for i in moved]
    light = sum(w * v for w, v in zip(share, lights, strict=True))
    level = light.mean(2)
    alike = []
    for face, own in zip(moved, lights, strict=True):
        ratio = np.clip(level / np.maximum(own.mean(2), 20), 0.5, 2)
        alike.append((face - own) * ratio[..., None] + light)
    mean = np.asarray(sum(w * v for w, v in zip(share, alike, strict=True)), np.float32)
    bands, out = _octaves(mean)
    theirs = [_octaves(np.asarray(v, np.float32))[0] for v in alike]
    for k, band in enumerate(bands):
        spread = 6 + 2 * k
        want = np.mean(
            [cv2.GaussianBlur((t[k] ** 2).mean(2), (0, 0), spread) for t in theirs], axis=0
        )
        have = cv2.GaussianBlur((band**2).mean(2), (0, 0), spread)
        gain = np.clip(np.sqrt(want / (have + 0.3)), 1, 1.9)
        out = out + band * (1 + (gain - 1) * (0.6, 0.75, 0.8, 0.7)[k])[..., None]
    return np.asarray(out, np.float32)
