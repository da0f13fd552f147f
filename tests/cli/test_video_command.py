"""`phototag video --camera`, with a film in place of the camera."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Run
from films import GALLERY, Shot, make_film

from phototag.cli import app
from phototag.errors import CannotWatch
from phototag.images import camera
from phototag.images.video import Video

PAIR = GALLERY / "2018" / "Grandpa’s 70th 🎂" / "DSC 0102.jpg"
SEA = GALLERY / "2018" / "Summer by the sea" / "sunset #2.jpg"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Oldwin and Hesperine for three seconds, Torvane for three and a half."""
    shots = [Shot(PAIR, 3.0, (0.4, 0.45, 1.0), (0.6, 0.45, 1.0)), Shot(SEA, 3.5, (0.5, 0.4, 0.9))]
    return make_film(tmp_path_factory.mktemp("live") / "film.mp4", shots, (640, 480), 10)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that knows Oldwin and Hesperine."""
    folder = tmp_path_factory.mktemp("known") / "library"
    for number, name in enumerate(("Oldwin", "Hesperine"), 1):
        words = ["enroll", name, f"{PAIR}#{number}", "--yes", "--library", str(folder)]
        assert app.run(words) == 0
    return folder


@pytest.fixture
def library(known: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PHOTOTAG_LIBRARY", str(known))
    return known


def test_a_camera_tells_who_is_seen_and_who_has_left(
    run: Run, library: Path, film: Path, tmp_path: Path
) -> None:
    before = {p: p.stat().st_mtime_ns for p in library.rglob("*") if p.is_file()}
    out = tmp_path / "annotated.mp4"
    ran = run("video", "--camera", film, "--out", out, "--json", "--detect-every", 3)
    assert ran.code == 0
    assert {row["schema"] for row in ran.rows} == {"phototag/video-event/1"}
    keys = {"schema", "event", "at", "from", "to", "person", "suggestion", "similarity", "track"}
    assert {frozenset(row) for row in ran.rows} == {frozenset({*keys, "box"})}
    told = [(row["event"], row["person"]) for row in ran.rows]
    assert sorted(told[:2], key=str) == [("seen", "Hesperine"), ("seen", "Oldwin")]
    assert sorted(told[2:], key=str) == [
        ("left", "Hesperine"),
        ("left", "Oldwin"),
        ("left", None),
        ("seen", None),
    ]
    assert [row["at"] for row in ran.rows] == sorted(row["at"] for row in ran.rows)
    left = {row["person"]: row for row in ran.rows if row["event"] == "left"}
    assert left["Oldwin"]["from"] == 0
    assert 2.7 <= left["Oldwin"]["to"] <= 3.0
    assert {p: p.stat().st_mtime_ns for p in before} == before  # nothing was written


def test_the_annotated_video_has_every_frame_with_its_boxes(
    run: Run, library: Path, film: Path, tmp_path: Path
) -> None:
    out = tmp_path / "annotated.mp4"
    ran = run("video", "--camera", film, "--out", out)
    assert ran.code == 0
    assert "seen  Oldwin" in ran.out
    with Video(str(out)) as drawn, Video(str(film)) as plain:
        pairs = list(zip(drawn.frames(), plain.frames(), strict=True))
        assert [a.at for a, _ in pairs] == [b.at for _, b in pairs]
        difference = cv2.absdiff(pairs[20][0].pixels(), pairs[20][1].pixels()).max(axis=2)
    green = (difference > 60).mean()
    assert 0.01 < green < 0.2  # boxes and names, and not another picture
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".tmp"] == []


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("--camera", "7"), "Camera 7 cannot be opened", 2),
        (("--camera", "nowhere.mp4"), "there is no such file", 2),
        (("--camera", "FILM", "--show"), "opencv-python", 2),
        (("--camera", "FILM", "--out", "x.jpg"), "a video ends in", 2),
        (("--camera", "FILM", "--out", "FILM"), "there is a file already", 2),
        (("--camera", "FILM", "--out", "nowhere/x.mp4"), "cannot be written", 5),
        (("--camera", "NOISE"), "no video that can be read", 3),
        (("--show",), "belong to --camera", 2),
        (("FILM", "--camera", "0"), "stands alone", 2),
        (("FILM", "--every", "often"), "--every", 2),
        (("FILM", "--every", "0.001s"), "at least 0.04s", 2),
    ],
)
def test_what_cannot_be_watched_is_said_in_words(
    run: Run,
    library: Path,
    film: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    said: str,
    code: int,
) -> None:
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(b"\0\0\0\x18ftypmp42" + b"noise" * 1000)
    places = {"FILM": str(film), "NOISE": str(noise)}
    ran = run("video", *(places.get(word, word) for word in words))
    assert ran.code == code, ran.err
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_window_needs_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "GUI: GTK3")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(CannotWatch, match="no display"):
        camera.Window()


def test_a_camera_that_is_pulled_out_ends_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    class Camera:
        """Gives three blue frames, as OpenCV has them."""

        left = 3

        def __init__(self, number: int) -> None:
            assert number == 0

        def isOpened(self) -> bool:
            return True

        def set(self, what: int, value: float) -> bool:
            return True

        def read(self) -> tuple[bool, object]:
            Camera.left -= 1
            return Camera.left >= 0, np.full((48, 64, 3), (255, 0, 0), np.uint8)

        def release(self) -> None:
            Camera.left = -100

    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    monkeypatch.setattr(camera, "WAIT", 2)
    frames = camera.frames_of("0")
    seen = [next(frames) for _ in range(3)]
    assert all((pixels == (0, 0, 255)).all() for _, pixels in seen)
    assert [at for at, _ in seen] == sorted(at for at, _ in seen)
    with pytest.raises(CannotWatch, match="plugged in"):
        next(frames)
    assert Camera.left == -100
