"""Every format becomes the same upright sRGB picture; what cannot is refused with a reason."""

from __future__ import annotations

import io
import pickle
import struct
import zlib

import cv2
import numpy as np
import pytest
from photo_files import (
    ADOBE_RGB,
    SRGB,
    exif,
    grey_profile,
    matrix_profile,
    saved,
    scene,
    turned_away,
)
from PIL import Image

from phototag.errors import UnreadableImage
from phototag.images.heif import decode
from phototag.images.read import (
    REASONS,
    as_webp,
    photo_key,
    pixel_key,
    read,
)
from phototag.images.thumbs import opened

LOSSY = 9.0
"""Levels of 255 that a lossy format may move a pixel of the smooth scene, on average."""


def difference(pixels: np.ndarray, expected: np.ndarray) -> float:
    assert pixels.shape == expected.shape
    assert pixels.dtype == np.uint8
    return float(np.abs(pixels.astype(int) - expected.astype(int)).mean())


def refusal(data: bytes, longest: int | None = None) -> UnreadableImage:
    with pytest.raises(UnreadableImage) as caught:
        read(data, "/photos/a.jpg", longest=longest)
    assert caught.value.reason in REASONS
    return caught.value


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 95, "progressive": True}),
        ("PNG", {}),
        ("WEBP", {"quality": 95}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("BMP", {}),
        ("GIF", {}),
        ("AVIF", {"quality": 90}),
        ("JPEG2000", {}),
    ],
)
def test_each_format_gives_the_same_picture(format: str, options: dict[str, object]) -> None:
    picture = read(saved(scene(), format, **options), "a", longest=None)
    assert picture.format == format
    assert (picture.width, picture.height) == (96, 64)
    assert difference(picture.pixels, scene()) < LOSSY


def test_heic_gives_the_same_picture() -> None:
    picture = read(heic(scene()), "a.heic")
    assert picture.format == "HEIF"
    assert difference(picture.pixels, scene()) < LOSSY


def test_the_pixels_of_a_heic_outlive_its_file() -> None:
    """NumPy 2.0 does not keep libheif's memory, which is freed with the file."""
    assert decode(heic(scene()), None).pixels.flags.owndata


def heic(pixels: np.ndarray, **options: object) -> bytes:
    import pillow_heif

    out = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(out, quality=95, **options)
    return out.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_each_orientation_comes_out_upright(format: str, orientation: int) -> None:
    stored = turned_away(scene(), orientation)
    data = saved(stored, format, exif=exif(orientation))
    picture = read(data, "a", longest=None)
    assert (picture.width, picture.height) == (96, 64)
    assert difference(picture.pixels, scene()) < LOSSY


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_is_turned_once_though_exif_says_it_again(orientation: int) -> None:
    import pillow_heif

    out = io.BytesIO()
    image = Image.fromarray(turned_away(scene(), orientation))
    file = pillow_heif.from_pillow(image)
    file[0].info["exif"] = exif(orientation)
    file.save(out, quality=95)
    assert b"Exif" in out.getvalue()
    assert difference(read(out.getvalue(), "a.heic").pixels, scene()) < LOSSY


def test_grey_becomes_rgb() -> None:
    grey = scene()[:, :, 0]
    for format in ("JPEG", "PNG", "TIFF"):
        pixels = read(saved(grey, format), "a").pixels
        assert difference(pixels, np.stack([grey] * 3, axis=-1)) < 3


def test_sixteen_bits_become_eight() -> None:
    wide = scene().astype(np.uint16) * 257
    for ending in (".png", ".tiff"):
        data = cv2.imencode(ending, wide[:, :, ::-1])[1].tobytes()
        assert difference(read(data, "a").pixels, scene()) <= 1
        grey = cv2.imencode(ending, wide[:, :, 0])[1].tobytes()
        assert difference(read(grey, "a").pixels[:, :, 0], scene()[:, :, 0]) <= 1


def test_a_palette_and_one_bit_and_interlaced_pictures_are_read() -> None:
    image = Image.fromarray(scene())
    flat = np.asarray(image.quantize(16).convert("RGB"))
    out = io.BytesIO()
    image.quantize(16).save(out, "PNG")
    assert difference(read(out.getvalue(), "a").pixels, flat) == 0

    bits = image.convert("1")
    out = io.BytesIO()
    bits.save(out, "PNG")
    assert difference(read(out.getvalue(), "a").pixels, np.asarray(bits.convert("RGB"))) == 0

    out = io.BytesIO()
    image.save(out, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
    assert difference(read(out.getvalue(), "a").pixels, scene()) == 0


def test_what_is_transparent_becomes_white() -> None:
    alpha = np.zeros((64, 96), np.uint8)
    alpha[:, :48] = 255
    pixels = np.dstack([scene(), alpha])
    expected = scene()
    expected[:, 48:] = 255
    assert difference(read(saved(pixels, "PNG"), "a").pixels, expected) == 0
    assert difference(read(saved(pixels, "WEBP", lossless=True), "a").pixels, expected) == 0
    assert difference(read(heic(pixels), "a").pixels, expected) < LOSSY


def test_only_the_first_frame_and_the_first_page_are_read() -> None:
    first, second = (Image.fromarray(p) for p in (scene(), 255 - scene()))
    for format in ("TIFF", "PNG", "WEBP", "MPO"):
        out = io.BytesIO()
        first.save(out, format, save_all=True, append_images=[second], quality=95)
        assert difference(read(out.getvalue(), "a").pixels, scene()) < LOSSY


def test_cmyk_becomes_rgb_without_and_with_adobes_marker() -> None:
    image = Image.fromarray(scene()).convert("CMYK")
    for format in ("JPEG", "TIFF"):
        out = io.BytesIO()
        image.save(out, format, quality=95)
        assert difference(read(out.getvalue(), "a").pixels, scene()) < LOSSY


def test_a_profile_of_another_colour_space_is_converted_to_srgb() -> None:
    wide = matrix_profile(ADOBE_RGB, 2.2)
    red = np.zeros((16, 16, 3), np.uint8)
    red[:] = (150, 60, 60)
    for format, options in (("JPEG", {"quality": 100}), ("PNG", {}), ("TIFF", {}), ("WEBP", {})):
        plain = read(saved(red, format, **options), "a").pixels.mean(axis=(0, 1))
        shown = read(saved(red, format, icc_profile=wide, **options), "a").pixels.mean(axis=(0, 1))
        assert shown[0] > plain[0] + 10  # the same numbers mean a stronger red in Adobe RGB
        assert abs(shown[1] - 60) < 12


def test_a_profile_that_is_srgb_changes_no_pixel() -> None:
    from PIL import ImageCms

    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert difference(read(saved(scene(), "PNG", icc_profile=own), "a").pixels, scene()) == 0


def test_a_grey_profile_is_converted() -> None:
    grey = np.full((8, 8), 128, np.uint8)
    dark = read(saved(grey, "PNG", icc_profile=grey_profile(3.0)), "a").pixels
    assert dark.mean() < 110
    as_jpeg = read(saved(grey, "JPEG", quality=100, icc_profile=grey_profile(3.0)), "a").pixels
    assert abs(as_jpeg.mean() - dark.mean()) < 3


def test_broken_and_foreign_profiles_are_left_aside() -> None:
    whole = matrix_profile(SRGB, 2.2)
    for profile in (b"nonsense", whole[:200], grey_profile(2.2), whole[:16] + b"CMYK" + whole[20:]):
        picture = read(saved(scene(), "PNG", icc_profile=profile), "a")
        assert difference(picture.pixels, scene()) == 0


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "JPEG2000"])
@pytest.mark.parametrize("longest", [700, 640, 333, 100, 47])
def test_the_longest_side_is_exactly_what_was_asked_for(format: str, longest: int) -> None:
    big = scene(900, 600)
    picture = read(saved(big, format), "a", longest=longest)
    assert (picture.width, picture.height) == (900, 600)
    assert max(picture.pixels.shape) == longest
    expected = cv2.resize(big, picture.pixels.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert difference(picture.pixels, expected) < LOSSY


def test_nothing_is_enlarged() -> None:
    assert read(saved(scene(), "JPEG"), "a", longest=5000).pixels.shape == (64, 96, 3)


def test_a_picture_one_pixel_high_stays_one_pixel_high() -> None:
    line = np.full((1, 5000, 3), 90, np.uint8)
    for format in ("JPEG", "PNG"):
        assert read(saved(line, format), "a", longest=100).pixels.shape == (1, 100, 3)


def test_shrinking_does_not_alias() -> None:
    lines = np.zeros((600, 900, 3), np.uint8)
    lines[:, ::2] = 255
    for format in ("PNG", "JPEG"):
        pixels = read(saved(lines, format, quality=95), "a", longest=225).pixels
        assert abs(pixels.astype(int) - 127).max() < 9


def test_the_bytes_and_not_the_name_tell_the_format() -> None:
    assert read(saved(scene(), "PNG"), "holiday.jpg").format == "PNG"
    assert read(saved(scene(), "JPEG"), "holiday.heic").format == "JPEG"


def test_a_file_without_a_photo_says_why() -> None:
    assert refusal(b"").reason == "empty"
    assert refusal(b"<html>not found</html>").reason == "not-an-image"
    assert refusal(b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50)).reason == "unsupported"
    assert refusal(b"\0\0\0\x18ftypmp42" + bytes(50)).reason == "unsupported"
    assert "JPEG XL" in refusal(b"\xff\x0a" + bytes(50)).message


def test_a_refusal_survives_the_way_back_from_a_worker() -> None:
    error = pickle.loads(pickle.dumps(refusal(b"")))
    assert (error.path, error.reason) == ("/photos/a.jpg", "empty")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("longest", [None, 100])
def test_a_jpeg_that_was_cut_off_is_truncated(share: float, longest: int | None) -> None:
    noisy = np.random.default_rng(1).integers(0, 255, (480, 640, 3)).astype(np.uint8)
    data = saved(cv2.GaussianBlur(noisy, (0, 0), 3), "JPEG", quality=90)
    assert refusal(data[: int(len(data) * share)], longest).reason == "truncated"


def test_the_end_marker_of_a_thumbnail_does_not_make_a_cut_photo_whole() -> None:
    block = Image.Exif()
    block.get_ifd(0x8769)[0x9286] = saved(scene(), "JPEG")
    data = saved(scene(640, 480), "JPEG", exif=block.tobytes())
    assert data.count(b"\xff\xd9") == 2
    assert refusal(data[: len(data) // 2]).reason == "truncated"


def test_a_jpeg_that_lost_only_its_end_marker_is_read() -> None:
    data = saved(scene(640, 480), "JPEG", quality=95)
    assert difference(read(data[:-2], "a").pixels, scene(640, 480)) < LOSSY


def test_a_jpeg_with_a_black_bar_at_its_bottom_is_whole() -> None:
    pixels = scene(640, 480)
    pixels[300:] = 0
    data = saved(pixels, "JPEG")
    assert read(data + b"\0" * 5000, "a").pixels.shape == pixels.shape


@pytest.mark.parametrize("format", ["PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000"])
def test_half_a_file_of_any_format_is_refused(format: str) -> None:
    noisy = np.random.default_rng(1).integers(0, 255, (200, 300, 3)).astype(np.uint8)
    data = saved(noisy, format)
    assert refusal(data[: len(data) // 2]).reason in ("truncated", "damaged")


def test_half_a_heic_is_refused() -> None:
    data = heic(np.random.default_rng(1).integers(0, 255, (200, 300, 3)).astype(np.uint8))
    assert refusal(data[: len(data) // 2]).reason in ("truncated", "damaged")


def _png_claiming(width: int, height: int, depth: int, colour: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + check

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height", "depth", "colour"),
    [(30000, 30000, 1, 0), (20000, 20000, 8, 2), (2**31 - 1, 2**31 - 1, 8, 6), (60000, 9000, 8, 6)],
)
def test_a_picture_that_claims_too_many_pixels_is_refused_before_decoding(
    width: int, height: int, depth: int, colour: int
) -> None:
    assert refusal(_png_claiming(width, height, depth, colour), 100).reason == "too-large"


def test_a_jpeg_that_claims_gigapixels_is_refused_and_one_of_100_megapixels_is_not() -> None:
    data = bytearray(saved(scene(), "JPEG"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", 65500, 65500)
    assert refusal(bytes(data), 1280).reason == "too-large"
    data[place : place + 4] = struct.pack(">HH", 9000, 12000)
    assert refusal(bytes(data), 1280).reason == "damaged"


def test_a_progressive_jpeg_with_hundreds_of_scans_is_refused() -> None:
    data = bytearray(saved(scene(), "JPEG", progressive=True))
    place = data.index(b"\xff\xc2") + 5
    data[place : place + 4] = struct.pack(">HH", 8000, 8000)
    scan = data[data.index(b"\xff\xda") : -2]
    assert refusal(bytes(data[:-2] + scan * 200 + b"\xff\xd9")).reason == "too-large"


def test_no_warning_and_no_noise_reaches_the_terminal(
    capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    data = saved(scene(640, 480), "JPEG")
    broken = data[: len(data) // 3] + b"\xff\xd9"
    refusal(broken)
    refusal(saved(scene(), "TIFF", compression="tiff_lzw")[:2000])
    refusal(_png_claiming(12000, 10000, 1, 0))
    assert capfd.readouterr().err == ""
    assert len(recwarn) == 0


def test_the_limits_of_pillow_are_as_they_were() -> None:
    before = Image.MAX_IMAGE_PIXELS
    read(saved(scene(), "PNG"), "a")
    refusal(_png_claiming(30000, 30000, 1, 0))
    assert before == Image.MAX_IMAGE_PIXELS


def test_the_photo_key_is_blake2b_128_of_the_bytes() -> None:
    assert photo_key(b"") == "cae66941d9efbd404e4d88758ea67670"
    assert photo_key(b"a") != photo_key(b"b")


def test_the_pixel_key_survives_a_rewrite_of_the_metadata() -> None:
    pixels = scene(900, 600)
    plain = saved(pixels, "JPEG", quality=90)
    dated = saved(pixels, "JPEG", quality=90, exif=exif(sub={0x9003: "2020:01:02 03:04:05"}))
    assert plain != dated
    assert pixel_key(read(plain, "a", longest=640)) == pixel_key(read(dated, "a", longest=640))


def test_the_pixel_key_survives_a_lossless_turn_with_its_tag() -> None:
    pixels = scene(900, 600)
    keys = {
        pixel_key(read(saved(turned_away(pixels, n), "PNG", exif=exif(n)), "a", longest=300))
        for n in range(1, 9)
    }
    assert len(keys) == 1


def test_the_pixel_key_sees_a_painted_face_and_another_size() -> None:
    pixels = scene(900, 600)
    painted = pixels.copy()
    painted[100:200, 400:480] = (255, 255, 0)
    first, second, third = (
        pixel_key(read(saved(p, "PNG"), "a", longest=640))
        for p in (pixels, painted, scene(902, 600))
    )
    assert len({first, second, third}) == 3


def test_a_webp_has_the_size_that_was_asked_for() -> None:
    small = Image.open(io.BytesIO(as_webp(scene(900, 600), 512)))
    assert (small.format, small.size) == ("WEBP", (512, 341))
    assert difference(np.asarray(small), cv2.resize(scene(900, 600), (512, 341))) < LOSSY


def test_a_thumbnail_of_ours_is_opened_again() -> None:
    assert difference(opened(as_webp(scene(), 512)), scene()) < LOSSY
