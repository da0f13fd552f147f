"""Real photos with known answers: sides, faces and keys."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from phototag.images import jpeg
from phototag.images.find import walk
from phototag.images.read import pixel_key, read


def pixels(path: Path, longest: int | None = None) -> np.ndarray:
    return read(path.read_bytes(), str(path), longest=longest).pixels


@pytest.mark.parametrize("number", range(2, 9))
def test_the_eight_portraits_show_the_same_waterfall(shared: Path, number: int) -> None:
    folder = shared / "photos/formats/orientation/exif-samples"
    upright = pixels(folder / "portrait_1.jpg", 60)
    other = pixels(folder / f"portrait_{number}.jpg", 60)
    assert np.abs(upright.astype(int) - other).mean() < 12  # each has its number written on it


@pytest.mark.parametrize("number", range(2, 9))
@pytest.mark.parametrize("ending", ["jpg", "webp"])
def test_grace_hopper_is_upright_whatever_the_orientation(
    shared: Path, number: int, ending: str
) -> None:
    folder = shared / "photos/formats"
    upright = pixels(folder / "jpeg/hopper.jpg")
    turned = pixels(folder / f"orientation/pillow/hopper_orientation_{number}.{ending}")
    assert np.abs(upright.astype(int) - turned).mean() < 8


def test_avif_is_turned_and_mirrored_by_its_own_properties(shared: Path) -> None:
    folder = shared / "photos/formats/orientation/pillow_avif"
    shown = [pixels(path, 80).astype(int) for path in sorted(folder.glob("rot*.avif"))]
    assert len(shown) == 8
    for other in shown[1:]:  # each has its number written on it
        assert np.abs(shown[0] - other).mean() < 0.6 * np.abs(shown[0] - other[:, ::-1]).mean()


def test_no_two_photos_of_the_album_share_a_pixel_key(shared: Path) -> None:
    keys: dict[str, str] = {}
    folders = walk(shared / "album", on_trouble=lambda trouble: pytest.fail(trouble.message))
    for photo in [photo for _, photos in folders for photo in photos][::4]:
        key = pixel_key(read(Path(photo.path).read_bytes(), photo.path, longest=320))
        assert keys.setdefault(key, photo.path) == photo.path
    assert len(keys) > 50


def test_most_photos_keep_their_pixel_key_at_another_size(shared: Path) -> None:
    same = []
    for path in sorted(shared.glob("album/photos/**/*.jpg")):
        data = path.read_bytes()
        header = jpeg.header(data)
        if header is None or header.width < 1400:
            continue
        large, small = (read(data, path.name, longest=longest) for longest in (None, 800))
        same.append(pixel_key(large) == pixel_key(small))
        if len(same) == 10:
            break
    assert len(same) == 10
    assert sum(same) / len(same) >= 0.6


def test_a_photo_is_the_same_from_every_dct_scale(shared: Path) -> None:
    photos = (shared / "photos/people/fairface").glob("*.jpg")
    largest = max(photos, key=lambda path: path.stat().st_size)
    full = pixels(largest)
    for longest in (1500, 700, 300):
        small = pixels(largest, longest)
        expected = cv2.resize(full, small.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(small.astype(int) - expected).mean() < 2.5
