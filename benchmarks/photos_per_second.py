"""Photos per second on twelve-megapixel photos: `phototag scan` against the script a student would
write.

    python benchmarks/photos_per_second.py [--shared ../shared] [--pairs 3] [--photos 24]

The student: the `mtcnn` package on the whole photo, then `predict` of a Keras VGG16 (224x224) for
each face, one after the other. Ours: a whole scan into a new library (walk, hash, decode, detect,
embed, store, cluster, thumbnails, sidecars, contact sheet), workers' start included. Both see the
same kind of photos: two faces each, made by enlarging portraits of the test photos side by side.
Runs alternate; the ratio is that of the medians. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDE, HIGH = 4000, 3000


def make_photos(shared: Path, folder: Path, count: int) -> list[Path]:
    """`count` JPEGs of 4000x3000 px, two different people side by side in each."""
    from PIL import Image

    sources = sorted((shared / "album" / "photos").rglob("*.jpg"))
    portraits = [p for p in sources if _portrait(p)]
    made = []
    for number in range(count):
        canvas = Image.new("RGB", (WIDE, HIGH))
        for side in range(2):
            # Another partner each time round, or the same photo would come again.
            partner = side * (31 + number // len(portraits))
            source = portraits[(number * 7 + partner) % len(portraits)]
            with Image.open(source) as opened:
                half = opened.convert("RGB").resize((WIDE // 2, HIGH), Image.Resampling.LANCZOS)
            canvas.paste(half, (side * WIDE // 2, 0))
        path = folder / f"photo-{number:03}.jpg"
        canvas.save(path, quality=92)
        made.append(path)
    return made


def _portrait(path: Path) -> bool:
    from PIL import Image

    with Image.open(path) as opened:
        return opened.height > opened.width and opened.getexif().get(0x0112, 1) == 1


def student(photos: list[Path]) -> dict[str, float]:
    """Seconds for each photo by the student's script, and the faces that it finds."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import cv2
    import keras
    from mtcnn import MTCNN

    detector = MTCNN()
    network = keras.applications.VGG16(weights=None, include_top=False, pooling="avg")
    seconds, faces = [], 0
    for number, path in enumerate(photos):
        started = time.perf_counter()
        picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        for found in detector.detect_faces(picture):
            x, y, w, h = (max(0, v) for v in found["box"])
            crop = cv2.resize(picture[y : y + h, x : x + w], (224, 224))
            network.predict(crop[None].astype("float32"), verbose=0)
            faces += number > 0
        if number > 0:  # the first warms up
            seconds.append(time.perf_counter() - started)
    return {"seconds": statistics.median(seconds), "faces": faces / len(seconds)}


def ours(folder: Path, library: Path) -> float:
    """Seconds for a whole scan of `folder` into a new library."""
    shutil.rmtree(library, ignore_errors=True)
    started = time.perf_counter()
    subprocess.run(
        [
            sys.executable,
            "-m",
            "phototag.cli.app",
            "scan",
            str(folder),
            "--quiet",
            "--library",
            str(library),
            "--sidecars",
            "library",
        ],
        check=True,
    )
    return time.perf_counter() - started


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    ask.add_argument("--pairs", type=int, default=3)
    ask.add_argument("--photos", type=int, default=24)
    ask.add_argument("--student", type=Path, nargs="*", help=argparse.SUPPRESS)
    given = ask.parse_args()
    if given.student:
        print(json.dumps(student(given.student)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "photos"
        folder.mkdir()
        photos = make_photos(given.shared, folder, given.photos)
        theirs, mine, faces = [], [], 0.0
        for _ in range(given.pairs):
            said = subprocess.run(
                [sys.executable, __file__, "--student", *map(str, photos[:3])],
                check=True,
                capture_output=True,
                text=True,
            )
            result = json.loads(said.stdout.strip().splitlines()[-1])
            theirs.append(result["seconds"])
            faces = result["faces"]
            mine.append(ours(folder, Path(name) / "library") / len(photos))
    slow, fast = statistics.median(theirs), statistics.median(mine)
    print(
        json.dumps(
            {
                "student_seconds_per_photo": round(slow, 2),
                "phototag_seconds_per_photo": round(fast, 3),
                "ratio": round(slow / fast, 1),
                "faces_per_photo": faces,
                "all": {"student": theirs, "phototag": mine},
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
