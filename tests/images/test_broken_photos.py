"""All broken photos and all formats that we have: read or refused, bounded, in silence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from phototag.images.read import REASONS

MOST_MEMORY = 600
"""Megabytes resident that a worker may take."""

# Runs apart, since a decoder may crash or fill the memory of its process.
SWEEP = """
import json, os, sys, time
from phototag.errors import UnreadableImage
from phototag.images.read import pixel_key, read

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024

outcomes = {}
for root in sys.argv[1:]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                data = file.read()
            start = time.process_time()
            try:
                picture = read(data, path, longest=1280)
                shape = list(picture.pixels.shape)
                outcomes[path] = [picture.format, picture.width, picture.height, shape]
                assert len(pixel_key(picture)) == 32
            except UnreadableImage as error:
                outcomes[path] = [error.reason, error.message]
            outcomes[path].append(time.process_time() - start)
print(json.dumps({"memory": resident(), "outcomes": outcomes}))
"""


@pytest.fixture(scope="module")
def sweep(shared: Path) -> dict[str, object]:
    """One pass over 550 files in a process of its own (about 6 s)."""
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    folders = [str(shared / "photos" / name) for name in ("broken", "formats")]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SWEEP, *folders],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""  # neither a warning nor a word from a native decoder
    found: dict[str, object] = json.loads(done.stdout)
    return found


def outcome(sweep: dict[str, object], end: str) -> list[object]:
    found = [value for path, value in sweep["outcomes"].items() if path.endswith(end)]
    assert len(found) == 1, end
    return found[0]


def test_every_file_is_read_or_refused_with_a_known_reason(sweep) -> None:
    outcomes = sweep["outcomes"].values()
    assert len(outcomes) > 500
    for value in outcomes:
        if value[0] in REASONS:
            assert value[1]
        else:
            _, width, height, shape, _ = value
            assert shape[2] == 3
            assert max(shape[:2]) == min(1280, max(width, height))


def test_memory_stays_bounded(sweep) -> None:
    assert sweep["memory"] < MOST_MEMORY


def test_no_file_takes_long(sweep) -> None:
    slowest = max(sweep["outcomes"].items(), key=lambda item: item[1][-1])
    assert slowest[1][-1] < 10, slowest


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("derived/bomb_30000x30000_1bit.png", "too-large"),
        ("derived/face_photo_cut_at_60pct.jpg", "truncated"),
        ("derived/zero_bytes.jpg", "empty"),
        ("derived/xml_text_named.jpg", "not-an-image"),
        ("pillow/decompression_bomb.gif", "too-large"),
        ("pillow_bmpsuite_bad/reallybig.bmp", "too-large"),
        ("pillow/truncated_image.png", "truncated"),
        ("libvips/truncated.gif", "truncated"),
        ("sharp/truncated.jpg", "truncated"),
        ("jxl/sample.jxl", "unsupported"),
        ("live_photo/IMG_7943_HEVC.MOV", "unsupported"),
        ("exiftool_headers_only/CanonRaw.cr2", "no-preview"),
    ],
)
def test_what_is_broken_is_called_by_its_name(sweep, file: str, reason: str) -> None:
    assert outcome(sweep, file)[0] == reason


@pytest.mark.parametrize(
    ("file", "format"),
    [
        ("derived/png_named.jpg", "PNG"),
        ("derived/webp_named.jpeg", "WEBP"),
        ("photoview/recoverable_bad_rst_marker.jpg", "JPEG"),
        ("pillow/exif-ifd-offset.jpg", "JPEG"),
        ("heic/iphone_7.heic", "HEIF"),
        ("avif/star.avifs", "AVIF"),
        ("mpo/sugarshack.mpo", "JPEG"),
        ("jpeg/cmyk-sample.jpg", "JPEG"),
        ("tiff/hopper_bigtiff.tif", "TIFF"),
        ("tiff/g4-multi.tiff", "TIFF"),
        ("jp2/relax.jp2", "JPEG2000"),
        ("raw/canon_eos_6d.dng", "DNG"),
    ],
)
def test_what_can_be_read_is_read(sweep, file: str, format: str) -> None:
    assert outcome(sweep, file)[0] == format


def test_no_good_photo_is_refused(sweep) -> None:
    """The files of formats/ that phototag cannot read are these kinds, and no others."""
    refused = {
        Path(path).name
        for path, value in sweep["outcomes"].items()
        if "/formats/" in path and value[0] not in ("unsupported", "not-an-image")
        if value[0] in REASONS
    }
    without_picture = {"ultrahdr.jpg"}  # its source cut the data away
    twelve_bits = {"monkey12.jpg"}
    odd = {"00r0_gray_l.jp2", "00r1_graya_la.jp2", "hopper_webp.tif"}
    headers_only = {
        "CanonRaw.cr2", "CanonRaw.cr3", "CanonRaw.crw", "DNG.dng", "Minolta.mrw", "Nikon.nef",
        "Sigma.x3f",
    }  # fmt: skip
    assert refused == without_picture | twelve_bits | odd | headers_only
