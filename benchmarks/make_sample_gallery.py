"""Make `sample_gallery/`: photos of eight people who do not exist, and where their faces are.

    python benchmarks/make_sample_gallery.py --faces ../shared/faces --out sample_gallery

The same seed and the same versions of the libraries give the same photos. `--only 7,12` makes just
those photos, and no truth; `--scale 0.5` makes small drafts.
"""

from __future__ import annotations

import argparse
import csv
import io
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from gallery import faces
from gallery.album import PHOTOS, Figure, Photo
from gallery.brush import LEFT, TOP, Image, Points, blurred, noise
from gallery.light import Light
from gallery.people import PEOPLE
from gallery.portrait import Look, paint
from gallery.pose import placed
from gallery.scenes import SCENES, flakes
from PIL import Image as Pillow

LANDMARKS = np.array(
    [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ]
)
"""Where the template of aligned faces has eyes, nose and mouth."""
BOX = (-40.0, -62.0, 80.0, 110.0)
"""MTCNN's box round a face, in units from the middle of its landmarks: left, top, width, height."""
NAMES = {look.name: look for look in PEOPLE}


@cache
def _registered(folder: Path, look: Look) -> tuple[list[Image], list[Image]]:
    sources = faces.load(folder, look.sources)
    return sources, faces.register(sources)


def composite(folder: Path, look: Look, rng: np.random.Generator) -> Image:
    """The person's averaged face; the weights differ a little from photo to photo."""
    sources, flows = _registered(folder, look)
    return faces.average(
        sources, flows, np.asarray(look.weights) * rng.uniform(0.75, 1.25, len(sources))
    )


def _onto(figure: Figure, size: tuple[int, int], scale: float) -> Points:
    """The matrix [2,3] from units to pixels of the photo."""
    s = figure.unit * scale
    x, y = figure.x * size[0] * scale - 56 * s, figure.y * size[1] * scale - 62 * s
    return np.array([[s, 0, x], [0, s, y]])


def landmarks(figure: Figure, size: tuple[int, int], scale: float = 1.0) -> Points:
    m = _onto(figure, size, scale)
    return np.asarray(
        placed(LANDMARKS, NAMES[figure.name].shape, figure.pose) @ m[:, :2].T + m[:, 2]
    )


def face_box(points: Points) -> tuple[int, int, int, int]:
    """The upright box that MTCNN would draw round a face with these landmarks."""
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    unit = (np.hypot(*(points[1] - points[0])) / 35.24 + np.hypot(*(mouth - eyes)) / 40.69) / 2
    x, y = (eyes + mouth) / 2
    left, top, width, height = (v * unit for v in BOX)
    return round(x + left), round(y + top), round(width), round(height)


def _stand(
    image: Image,
    cover: Image,
    figure: Figure,
    face: Image,
    light: Light,
    size: tuple[int, int],
    scale: float,
    seed: int,
) -> tuple[Image, Image]:
    """Put one person into the photo, with a shadow on the people behind (`cover`: where they are)."""
    fine = float(np.clip(figure.unit * scale * 1.15, 0.8, 4.2))
    sheet = paint(NAMES[figure.name], face, figure.clothes, figure.pose, light, fine, seed)
    m = _onto(figure, size, scale)
    to_units = np.array(
        [[1 / fine, 0, LEFT + 0.5 / fine], [0, 1 / fine, TOP + 0.5 / fine], [0, 0, 1]]
    )
    whole = (np.vstack([m, [0, 0, 1]]) @ to_units)[:2]
    shape = (image.shape[1], image.shape[0])
    rgb = cv2.warpAffine(sheet.rgb, whole, shape, flags=cv2.INTER_AREA)
    alpha = cv2.warpAffine(sheet.alpha, whole, shape, flags=cv2.INTER_AREA)
    wide = figure.unit * scale
    shadow = blurred(np.asarray(np.roll(alpha, round(4 * wide), 0), np.float32), 7 * wide)
    image = image * (1 - 0.30 * shadow * cover * (1 - alpha))[..., None]
    return np.asarray(rgb + image * (1 - alpha[..., None]), np.float32), np.maximum(cover, alpha)


def _finished(image: Image, rng: np.random.Generator, dark: bool) -> np.ndarray:
    """A camera's last touch: contrast, a darker rim, grain."""
    h, w = image.shape[:2]
    v = np.clip(image / 255, 0, 1)
    v = v + 0.10 * (v * v * (3 - 2 * v) - v)
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    v = v * (1 - 0.13 * np.clip(np.hypot(x, y) - 0.55, 0, 1) ** 1.5)[..., None]
    v = v + noise(rng, (h, w), 1.4)[..., None] * (0.007 if dark else 0.004)
    return np.asarray(np.clip(v * 255 + 0.5, 0, 255), np.uint8)


def make(photo: Photo, index: int, folder: Path, seed: int, scale: float) -> np.ndarray:
    """The upright photo [h,w,3] uint8."""
    rng = np.random.default_rng([seed, index])
    w, h = (round(v * scale) for v in photo.size)
    image, light = SCENES[photo.scene](w, h, rng)
    cover = np.zeros((h, w), np.float32)
    for figure in photo.figures:
        face = composite(folder, NAMES[figure.name], rng)
        own = replace(
            light,
            angle=light.angle + rng.uniform(-12, 12),
            strength=light.strength * rng.uniform(0.85, 1.15),
        )
        spot = int(rng.integers(2**31))
        image, cover = _stand(
            np.asarray(image, np.float32), cover, figure, face, own, photo.size, scale, spot
        )
    if photo.scene == "snow":
        image = flakes(image, rng)
    return _finished(image, rng, light.level < 0.8)


_TURN_BACK = {
    1: None,
    3: Pillow.Transpose.ROTATE_180,
    6: Pillow.Transpose.ROTATE_90,
    8: Pillow.Transpose.ROTATE_270,
}


def encoded(photo: Photo, pixels: np.ndarray) -> bytes:
    """The file's bytes, with the date and the orientation in its EXIF data."""
    picture = Pillow.fromarray(pixels)
    turn = _TURN_BACK[photo.orientation]
    if turn is not None:
        picture = picture.transpose(turn)
    exif = Pillow.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = (
        "phototag",
        "sample gallery (painted)",
        photo.orientation,
    )
    exif[0x0132] = photo.taken
    part = exif.get_ifd(0x8769)
    part[0x9003] = part[0x9004] = photo.taken
    part[0x9010] = part[0x9011] = photo.offset
    kind = Path(photo.file).suffix.lower()
    out = io.BytesIO()
    if kind == ".heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
        picture.save(out, "HEIF", quality=photo.quality, exif=exif)
    elif kind == ".webp":
        picture.save(out, "WEBP", quality=photo.quality, method=6, exif=exif)
    else:
        picture.save(out, "JPEG", quality=photo.quality, optimize=True, progressive=True, exif=exif)
    return out.getvalue()


def truth_rows() -> list[tuple[str, int, int, int, int, str]]:
    return [(p.file, *face_box(landmarks(g, p.size)), g.name) for p in PHOTOS for g in p.figures]


def main() -> None:
    a = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    a.add_argument(
        "--faces", type=Path, default=Path("../shared/faces"), help="the folder with shard-*.npz"
    )
    a.add_argument("--out", type=Path, default=Path("sample_gallery"))
    a.add_argument("--seed", type=int, default=7)
    a.add_argument("--scale", type=float, default=1.0)
    a.add_argument("--only", help="numbers of photos, from 1")
    o = a.parse_args()
    cv2.setNumThreads(1)
    wanted = {int(v) for v in o.only.split(",")} if o.only else set(range(1, len(PHOTOS) + 1))
    total = 0
    for index, photo in enumerate(PHOTOS, 1):
        if index not in wanted:
            continue
        data = encoded(photo, make(photo, index, o.faces, o.seed, o.scale))
        path = o.out / photo.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        total += len(data)
        print(f"{index:3d} {len(data) // 1024:5d} KB  {photo.file}", flush=True)
    if not o.only and o.scale == 1:
        with (o.out / "truth.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(("file", "x", "y", "w", "h", "person"))
            table.writerows(sorted(truth_rows()))
    print(f"{len(wanted)} photos, {total / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
