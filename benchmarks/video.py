"""Minutes of 1080p video per minute, against the photo pipeline on every frame; who is found in it;
and frames per second before a camera.

    python benchmarks/video.py [--shared ../shared] [--pairs 3] [--seconds 8] [--long 60]

The films are made from the sample gallery and, where it is there, from the album: each photo is
panned over and zoomed into for a while, then cut to the next, so that the truth about every frame
is known. Speed: both sides run in one process on one core, alternating on the same film, and the
ratio is that of the medians; the photo pipeline gets the film's frames as JPEG files, made
beforehand. Lost is a face that is in the picture whole for a second or more and in no track, by
place and time; a person is lost who is in no track at all. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from films import Shot, Shown, make_film, read_truth, tour, truth_of  # noqa: E402
from PIL import Image  # noqa: E402

from phototag.core.types import Box, Track  # noqa: E402
from phototag.images.read import use_one_thread  # noqa: E402
from phototag.images.video import Video  # noqa: E402
from phototag.work.extract import Extractor, Job, Kit  # noqa: E402

SIZE, RATE = (1920, 1080), 25
LONG_ENOUGH = 1.0
"""Seconds in the picture that count: what is shorter may fall between two samples."""


def galleries(shared: Path) -> dict[str, dict[Path, list[Any]]]:
    found = {"gallery": read_truth(ROOT / "sample_gallery", ROOT / "sample_gallery")}
    if (shared / "album" / "truth.csv").is_file():
        found["album"] = read_truth(shared / "album", shared / "album" / "photos")
    return found


def usable(people: dict[Path, list[Any]]) -> list[Path]:
    """Photos that Pillow opens upright and that are large enough to pan over."""
    kept = []
    for path in sorted(people):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"):
            with Image.open(path) as opened:
                if opened.getexif().get(0x0112, 1) == 1 and min(opened.size) >= 400:
                    kept.append(path)
    return kept


def speed(extractor: Extractor, film: Path, folder: Path, pairs: int) -> dict[str, float]:
    """Seconds by both ways, alternating."""
    frames = []
    with Video(str(film)) as video:
        for number, frame in enumerate(video.frames()):
            path = folder / f"{film.stem}-{number:05}.jpg"
            Image.fromarray(frame.pixels()).save(path, quality=92)
            frames.append(str(path))
            seconds = frame.at / 1000 + 1 / RATE
    ours, theirs = [], []
    for _ in range(pairs):
        ours.append(timed(lambda: extractor.run([Job(str(film), video=True)])))
        theirs.append(timed(lambda: every_frame(extractor, frames)))
    (mine, my_cpu), (other, other_cpu) = (
        [statistics.median(column) for column in zip(*side, strict=True)] for side in (ours, theirs)
    )
    return {
        "seconds_of_video": round(seconds, 2),
        "frames": len(frames),
        "video_minutes_per_minute": round(seconds / mine, 2),
        "every_frame_minutes_per_minute": round(seconds / other, 3),
        "ratio": round(other / mine, 1),
        "ratio_of_cpu_seconds": round(other_cpu / my_cpu, 1),
    }


def every_frame(extractor: Extractor, frames: list[str]) -> None:
    """The photo pipeline, in the chunks of a scan."""
    for start in range(0, len(frames), 4):
        extractor.run([Job(path) for path in frames[start : start + 4]])


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the wall and of the processor: others may be at work on this machine."""
    began, spent = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - spent


def found_in(extractor: Extractor, film: Path, truth: list[Shown]) -> dict[str, Any]:
    """Who of the truth is in a track."""
    began = time.perf_counter()
    (outcome,) = extractor.run([Job(str(film), video=True)])
    spent = time.perf_counter() - began
    assert outcome.record is not None, outcome.message
    tracks = [face.track for face in outcome.record.faces if face.track is not None]
    wanted = [shown for shown in truth if shown.last - shown.first >= LONG_ENOUGH]
    lost = [shown for shown in wanted if not any(is_same(shown, track) for track in tracks)]
    everybody = {shown.person for shown in wanted}
    seen = {shown.person for shown in truth if any(is_same(shown, track) for track in tracks)}
    false = [track for track in tracks if not any(is_same(shown, track) for shown in truth)]
    return {
        "seconds_of_video": round(outcome.record.film.duration / 1000, 1),
        "video_minutes_per_minute": round(outcome.record.film.duration / 1000 / spent, 2),
        "people": len(everybody),
        "people_lost": sorted(everybody - seen),
        "appearances": len(wanted),
        "appearances_lost": [f"{s.person} {s.first:.1f}-{s.last:.1f}" for s in lost],
        "tracks": len(tracks),
        "tracks_beside_the_truth": len(false),
    }


def is_same(shown: Shown, track: Track) -> bool:
    """Whether a track is that face: in some frame of both they overlap by a third or more."""
    for at, box in track.path:
        near = [place for second, place in shown.places if abs(second * 1000 - at) < 60]
        if any(Box(*place).iou(box) >= 1 / 3 for place in near):
            return True
    return False


def live(folder: Path, people: dict[Path, list[Any]]) -> dict[str, float]:
    """Frames per second at 640x480 with two faces, drawn and written."""
    import numpy as np

    from phototag.core.gallery import Gallery
    from phototag.core.types import Thresholds
    from phototag.images.camera import frames_of
    from phototag.output.recording import Recording
    from phototag.vision.embed import Embedder
    from phototag.vision.models import shipped
    from phototag.vision.mtcnn import Mtcnn
    from phototag.work.live import MIN_FACE, Watch, drawn

    pair = next(path for path, faces in sorted(people.items()) if len(faces) == 2)
    shots = [Shot(pair, 12, (0.4, 0.45, 1.0), (0.6, 0.45, 0.95))]
    film = make_film(folder / "pair.mp4", shots, (640, 480), 30)
    card = shipped("face-vgg16")
    (face,) = Extractor.from_kit(kit()).run([Job(str(pair))])
    assert face.record is not None
    vectors = np.stack([f.embedding for f in face.record.faces])
    gallery = Gallery.of(np.arange(len(vectors)), vectors)
    names = {number: f"Person {number}" for number in range(len(vectors))}
    assert isinstance(card.thresholds, Thresholds)
    rates, costs, faces = [], [], []
    for turn in range(3):
        watch = Watch(
            Mtcnn(min_face=MIN_FACE, turned=False), Embedder(card), gallery, names, card.thresholds
        )
        count, began, spent = 0, time.perf_counter(), time.process_time()
        with Recording(folder / f"out-{turn}.mp4") as recording:
            for at, pixels in frames_of(str(film)):
                view = watch.see(at, pixels)
                recording.add(at, drawn(view))
                faces.append(len(view.faces))
                count += 1
        rates.append(count / (time.perf_counter() - began))
        costs.append((time.process_time() - spent) / count)
    return {
        "frames_per_second": round(statistics.median(rates), 1),
        "cpu_ms_per_frame": round(1000 * statistics.median(costs), 1),
        "faces_per_frame": round(statistics.mean(faces), 2),
    }


def kit() -> Kit:
    return Kit(embedder_card=str(ROOT / "phototag" / "weights" / "face-vgg16.json"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of the films that are raced")
    parser.add_argument("--long", type=float, default=60, help="seconds of the films with truth")
    wanted = parser.parse_args()
    use_one_thread()
    extractor = Extractor.from_kit(kit())
    said: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for gallery, people in galleries(wanted.shared).items():
            photos = usable(people)
            count = max(2, round(wanted.long / 2))
            step = max(1, len(photos) // count)
            shots = tour(photos[::step][:count], 2.0)
            film = make_film(folder / f"{gallery}.mp4", shots, SIZE, RATE)
            truth = truth_of(shots, people, SIZE, RATE)
            short = make_film(
                folder / f"{gallery}-short.mp4",
                shots[: max(1, round(wanted.seconds / 2))],
                SIZE,
                RATE,
            )
            said[gallery] = {
                "found": found_in(extractor, film, truth),
                "speed": speed(extractor, short, folder, wanted.pairs),
            }
        said["live"] = live(folder, galleries(wanted.shared)["gallery"])
    print(json.dumps(said, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
