"""RAW files are read through the JPEG that the camera put into them."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from photo_files import exif, saved, scene, tiff, turned_away

from phototag.errors import UnreadableImage
from phototag.images.read import read

SMALL, LARGE = scene(160, 120), scene(1200, 800)
SENSOR = bytes(range(256)) * 40


def jpeg(pixels: np.ndarray, **options: object) -> bytes:
    return saved(pixels, "JPEG", quality=92, **options)


def like_nef(orientation: int) -> bytes:
    """IFD0 a thumbnail in pixels, IFD1 the sensor, IFD2 the preview, as Nikon and Sony do."""
    large = jpeg(turned_away(LARGE, orientation))
    return tiff(
        [
            {0x00FE: 1, 0x010F: "NIKON CORPORATION", 0x0112: orientation},
            {0x0103: 34713, 0x0106: 32803, 0x0111: SENSOR, 0x0117: len(SENSOR)},
            {0x0201: large, 0x0202: len(large)},
        ],
        order=">",
    )


def like_dng(orientation: int) -> bytes:
    """IFD0 says DNG, the preview is one strip of JPEG; a smaller one stands first."""
    small = jpeg(turned_away(SMALL, orientation))
    large = jpeg(turned_away(LARGE, orientation))
    return tiff(
        [
            {0xC612: 0x00000401, 0x0112: orientation, 0x0132: "2016:09:08 07:06:05"},
            {0x0103: 7, 0x0111: small, 0x0117: len(small)},
            {0x0103: 7, 0x0111: large, 0x0117: len(large)},
            {0x0103: 7, 0x0106: 32803, 0x0111: lossless(), 0x0117: 40},
        ]
    )


def lossless() -> bytes:
    """A lossless JPEG, as DNG and CR2 store sensor data: larger than the preview, no picture."""
    frame = struct.pack(">BHHB", 14, 4000, 6000, 1) + b"\x01\x11\0"
    scan = b"\xff\xda\0\x08\x01\x01\0\0\0\0\xff\xd9"
    return b"\xff\xd8\xff\xc3" + struct.pack(">H", 11) + frame + scan


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("make", "format"), [(like_nef, "NEF"), (like_dng, "DNG")])
def test_the_largest_preview_is_read_upright(make, format: str, orientation: int) -> None:
    picture = read(make(orientation), "a.raw", longest=None)
    assert picture.format == format
    assert (picture.width, picture.height) == (1200, 800)
    assert np.abs(picture.pixels.astype(int) - LARGE).mean() < 4


def test_the_date_is_the_raw_files_own() -> None:
    assert read(like_dng(1), "a.dng").taken == "2016-09-08T07:06:05"


def test_a_preview_that_no_directory_knows_is_found() -> None:
    hidden = b"MakerNote\0" + jpeg(LARGE) + bytes(100)
    small = jpeg(SMALL)
    data = tiff([{0xC612: 1, 0x0112: 1}, {0x0201: small, 0x0202: len(small)}]) + hidden
    assert read(data, "a.dng").width == 1200


def test_a_preview_with_its_own_orientation_is_not_turned_twice() -> None:
    inner = jpeg(turned_away(LARGE, 6), exif=exif(6))
    data = tiff([{0xC612: 1, 0x0112: 6}, {0x0201: inner, 0x0202: len(inner)}])
    assert read(data, "a.dng").pixels.shape == LARGE.shape


def test_fujis_file_takes_the_orientation_of_its_preview() -> None:
    inner = jpeg(turned_away(LARGE, 8), exif=exif(8))
    data = b"FUJIFILMCCD-RAW 0201FF383501" + bytes(100) + inner + SENSOR
    picture = read(data, "a.raf")
    assert picture.format == "RAF"
    assert picture.pixels.shape == LARGE.shape


def test_canons_boxes_hold_the_orientation() -> None:
    head = struct.pack(">I4s4sI4s", 20, b"ftyp", b"crx ", 1, b"isom")
    box = tiff([{0x0112: 6, 0x0132: "2020:02:02 02:02:02"}])
    data = head + struct.pack(">I", len(box) + 8) + b"CMT1" + box + jpeg(turned_away(LARGE, 6))
    picture = read(data, "a.cr3")
    assert (picture.format, picture.pixels.shape) == ("CR3", LARGE.shape)
    assert picture.taken == "2020-02-02T02:02:02"


def test_the_next_preview_is_read_where_the_largest_is_broken() -> None:
    broken = jpeg(LARGE)[:3000]
    whole = jpeg(scene(640, 480))
    data = tiff(
        [
            {0xC612: 1, 0x0112: 1},
            {0x0201: whole, 0x0202: len(whole)},
            {0x0201: broken, 0x0202: len(broken)},
        ]
    )
    assert read(data, "a.dng").width == 640


def test_a_raw_file_without_a_preview_says_so() -> None:
    data = tiff([{0xC612: 1, 0x0112: 1}, {0x0103: 7, 0x0111: lossless(), 0x0117: 40}])
    with pytest.raises(UnreadableImage) as caught:
        read(data, "a.dng")
    assert caught.value.reason == "no-preview"


def test_a_scanners_tiff_is_no_raw_file() -> None:
    assert read(saved(SMALL, "TIFF"), "a.tif").format == "TIFF"


def test_a_real_raw_file(shared) -> None:
    path = shared / "photos/formats/raw/canon_eos_6d.dng"
    picture = read(path.read_bytes(), str(path), longest=512)
    assert (picture.format, picture.width, picture.height) == ("DNG", 1024, 683)
    assert picture.taken == "2019-06-06T07:29:51"
    assert picture.pixels.std() > 20
