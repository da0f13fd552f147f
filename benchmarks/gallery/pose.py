"""Where features come to lie: a person's own proportions, the turn and the lean of the head."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from gallery.brush import LEFT, MIDDLE, TOP, Image, Points, Sheet


@dataclass(frozen=True, slots=True)
class Shape:
    """Proportions that belong to nobody: how the averaged face is drawn out of its own.

    Shares (0.1: a tenth wider) but for `nose_y`, `gap` (between the eyes) and `brows`: units.
    """

    length: float = 0.0
    mouth: float = 0.0
    lips: float = 0.0
    nose: float = 0.0
    nose_y: float = 0.0
    eyes: float = 0.0
    gap: float = 0.0
    brows: float = 0.0
    cheeks: float = 0.0


@dataclass(frozen=True, slots=True)
class Pose:
    """`turn` and `nod` move the features over the head, `smile` lifts the mouth's corners (units);

    `roll` leans the head on the neck (degrees, clockwise).
    """

    turn: float = 0.0
    nod: float = 0.0
    smile: float = 0.0
    roll: float = 0.0


_NECK = (MIDDLE, 128.0)
"""The point round which a head leans."""


def _bump(x: Image, y: Image, cx: float, cy: float, rx: float, ry: float) -> Image:
    return np.exp(-(((x - cx) / rx) ** 2) - ((y - cy) / ry) ** 2)


def _reach(x: Image, y: Image) -> Image:
    """1 in the middle of the face, 0 at the outline of the head."""
    return np.clip(1 - ((x - MIDDLE) / 47) ** 2, 0, 1) * np.clip(1 - ((y - 58) / 88) ** 2, 0, 1)


def _shaped(x: Image, y: Image, s: Shape) -> tuple[Image, Image]:
    """How far a person's own proportions move what is at (x, y), in units."""
    d, reach = x - MIDDLE, _reach(x, y)
    mouth, nose = _bump(x, y, 56, 92, 20, 11), _bump(x, y, 56, 73, 12, 11)
    dx = (
        s.mouth * d * mouth
        + s.nose * d * nose
        + s.cheeks * d * reach * np.clip((y - 56) / 14, 0, 1)
    )
    dy = s.lips * (y - 92) * _bump(x, y, 56, 92, 19, 8) + s.nose_y * nose
    dy = dy + s.length * (y - 51.6) * reach * (y > 51.6)
    for cx, side in ((38.3, -1), (73.6, 1)):
        eye = _bump(x, y, cx, 51.5, 12, 8)
        dx = dx + s.eyes * (x - cx) * eye + side * s.gap * _bump(x, y, cx, 50, 13, 14)
        dy = dy + s.eyes * (y - 51.5) * eye + s.brows * _bump(x, y, cx, 40, 15, 6)
    return dx, dy


def _features(x: Image, y: Image, shape: Shape, pose: Pose) -> tuple[Image, Image]:
    """How far proportions and a turn of the head move the features at (x, y), in units."""
    dx, dy = _shaped(x, y, shape)
    reach = _reach(x, y)
    corner = np.exp(-(((np.abs(x - MIDDLE) - 16) / 8) ** 2) - ((y - 90) / 9) ** 2)
    return dx + pose.turn * reach, dy + pose.nod * reach - pose.smile * corner


def placed(points: Points, shape: Shape, pose: Pose) -> Points:
    """Where points of the upright face [n,2] come to lie on the sheet (units)."""
    fx, fy = _features(points[:, 0], points[:, 1], shape, pose)
    moved = points + np.stack([fx, fy], 1) - _NECK
    a = np.radians(pose.roll)
    return np.asarray(moved @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) + _NECK)


def pose_head(sheet: Sheet, shape: Shape, pose: Pose) -> None:
    """Move the painted features to where `placed` says, and lean the head on its neck."""
    rows, columns = np.mgrid[0 : sheet.shape[0], 0 : sheet.shape[1]].astype(np.float32)
    fx, fy = _features(sheet.x, sheet.y, shape, pose)
    _moved(sheet, columns - fx * sheet.scale, rows - fy * sheet.scale)
    if not pose.roll:
        return
    t = np.clip((178 - sheet.y) / 66, 0, 1)
    a = np.radians(pose.roll) * (t * t * (3 - 2 * t))
    dx, dy = sheet.x - _NECK[0], sheet.y - _NECK[1]
    x = np.cos(a) * dx + np.sin(a) * dy + _NECK[0]
    y = -np.sin(a) * dx + np.cos(a) * dy + _NECK[1]
    _moved(sheet, (x - LEFT) * sheet.scale - 0.5, (y - TOP) * sheet.scale - 0.5)


def _moved(sheet: Sheet, columns: Image, rows: Image) -> None:
    """Fetch every pixel of the sheet from (columns, rows)."""
    x, y = columns.astype(np.float32), rows.astype(np.float32)
    sheet.rgb = np.asarray(cv2.remap(sheet.rgb, x, y, cv2.INTER_LINEAR), np.float32)
    sheet.alpha = np.asarray(cv2.remap(sheet.alpha, x, y, cv2.INTER_LINEAR), np.float32)
