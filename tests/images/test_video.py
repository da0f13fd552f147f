"""Video files of many kinds, whole and broken."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from films import GALLERY, Shot, make_film

from phototag.errors import UnreadableImage
from phototag.images import video
from phototag.images.video import Video, frame_at, video_key

PHOTO = GALLERY / "2018" / "Summer by the sea" / "IMG_0412.JPG"
SHOTS = [Shot(PHOTO, 1.0, (0.3, 0.4, 0.8), (0.7, 0.4, 0.8))]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds, 24 frames."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return make_film(path, [*SHOTS, *SHOTS], (320, 240), 12)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mov", "libx265"),
        ("a.avi", "mjpeg"),
        ("a.3gp", "mpeg4"),
        ("a.mts", "libx264"),
        ("a.webm", "libvpx-vp9"),
        ("a.mkv", "libsvtav1"),
    ],
)
def test_what_cameras_write_is_read(
    tmp_path: Path, name: str, codec: str, capfd: pytest.CaptureFixture[str]
) -> None:
    preset = "10" if codec == "libsvtav1" else "ultrafast"
    path = make_film(tmp_path / name, SHOTS, (320, 240), 12, codec, preset=preset)
    capfd.readouterr()
    with Video(str(path)) as opened:
        frames = list(opened.frames())
        assert opened.format.startswith(name[2:].upper())
    assert [frame.at for frame in frames] == [round(n * 1000 / 12) for n in range(12)]
    assert frames[0].pixels().shape == (240, 320, 3)
    assert frames[0].small().shape == (36, 64)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_phone_that_was_held_upright_gives_upright_frames(
    tmp_path: Path, film: Path, quarters: int
) -> None:
    turned = make_film(tmp_path / "t.mp4", [*SHOTS, *SHOTS], (320, 240), 12, quarters=quarters)
    with Video(str(turned)) as one, Video(str(film)) as other:
        for a, b in list(zip(one.frames(), other.frames(), strict=True))[::8]:
            difference = np.abs(a.pixels().astype(int) - b.pixels().astype(int)).mean()
            assert difference < 6  # encoded twice, and not turned wrongly


def test_a_variable_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    path, times = tmp_path / "vfr.mp4", [0, 33, 66, 500, 533, 2000]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for at in times:
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), at % 200, np.uint8), "rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with Video(str(path)) as opened:
        assert [frame.at for frame in opened.frames()] == times  # the last stands for long


@pytest.mark.parametrize("at", [0, 583, 1417, 60_000])
def test_one_frame_is_found_without_the_others(film: Path, at: int) -> None:
    with Video(str(film)) as opened:
        frames = list(opened.frames())
    wanted = next((f for f in frames if f.at >= at), frames[-1])
    assert (frame_at(str(film), at) == wanted.pixels()).all()


# ---- what is no whole video


def reason_of(path: Path) -> str:
    with pytest.raises(UnreadableImage) as caught, Video(str(path)) as opened:
        for _ in opened.frames():
            pass
    assert caught.value.message.endswith(".")
    return caught.value.reason


def test_what_cannot_be_read_is_a_failure_with_a_reason(tmp_path: Path, film: Path) -> None:
    path, data = tmp_path / "x.mp4", film.read_bytes()
    for content, reason in (
        (b"", "empty"),
        (random.Random(1).randbytes(50_000), "not-a-video"),
        (data[: len(data) // 2], "not-a-video"),  # its index stood at the end
    ):
        path.write_bytes(content)
        assert reason_of(path) == reason


def test_a_playlist_opens_nothing_else(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        port = server.getsockname()[1]
        path = tmp_path / "list.mp4"
        line = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:{port}/a.ts\n"
        path.write_text(line + "#EXT-X-ENDLIST\n")
        assert reason_of(path) == "not-a-video"
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_codec_that_nobody_knows_is_named_as_the_cause(tmp_path: Path, film: Path) -> None:
    path = tmp_path / "odd.mp4"
    path.write_bytes(film.read_bytes().replace(b"avc1", b"zzz9").replace(b"avcC", b"zzzC"))
    assert reason_of(path) == "unsupported"


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 16_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert reason_of(path) == "no-video"


def test_a_video_that_breaks_off_is_not_taken_for_a_short_one(tmp_path: Path) -> None:
    path = make_film(tmp_path / "long.mkv", [Shot(PHOTO, 9.0)], (160, 120), 12, g="12")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 3])
    assert reason_of(path) == "truncated"


def test_a_video_that_does_not_end_is_given_up(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "MOST_FRAMES", 20)
    assert reason_of(film) == "too-long"


def test_a_few_damaged_bytes_cost_a_few_frames(tmp_path: Path) -> None:
    path = make_film(tmp_path / "film.mts", [Shot(PHOTO, 8.0)], (320, 240), 12, g="6")
    data, where = bytearray(path.read_bytes()), random.Random(2)
    for _ in range(20):
        data[where.randrange(len(data) // 4, len(data))] ^= 0xFF
    path.write_bytes(data)
    with Video(str(path)) as opened:
        assert sum(1 for _ in opened.frames()) > 70


def test_a_files_key_is_of_its_bytes_and_of_a_huge_ones_samples(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = film.read_bytes()
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(data)
    assert video_key(str(copy), len(data)) == video_key(str(film), len(data))
    monkeypatch.setattr(video, "WHOLE", 1000)
    monkeypatch.setattr(video, "SAMPLE", 8)
    sampled = video_key(str(film), len(data))
    assert sampled == video_key(str(copy), len(data))
    copy.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert video_key(str(copy), len(data)) != sampled
    copy.write_bytes(data + b"\0")
    assert video_key(str(copy), len(data) + 1) != sampled
