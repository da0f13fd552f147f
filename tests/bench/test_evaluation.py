"""The three evaluations on real faces, with an embedder simple enough to know what it must say."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from phototag.bench.evaluate_clustering import (
    TrueFace,
    evaluate_clustering,
    matched,
    read_truth,
)
from phototag.bench.evaluate_identification import evaluate_identification, read_portraits
from phototag.bench.evaluate_verification import verify_photos, verify_shard
from phototag.bench.faces import load_faces
from phototag.bench.pairs import read_pairs
from phototag.bench.pipeline import embed_photos, nearest_the_centre
from phototag.bench.plots import draw
from phototag.catalog import photos as photo_table
from phototag.catalog.assignments import Assignment, save_assignments
from phototag.catalog.store import Library, open_to_write
from phototag.catalog.views import SeenFace
from phototag.core.types import (
    Box,
    Detection,
    FaceRecord,
    Landmarks,
    PhotoRecord,
    Pixels,
    Thresholds,
    Vectors,
    on_grid,
)
from phototag.errors import UsageError

LEVELS = Thresholds(accept=0.9, suggest=0.8, cluster=0.8, margin=0.01)


def pixels_as_vector(crops: NDArray[np.uint8]) -> Vectors:
    """The crop at 8x8, its mean taken off: knows light and hair, not faces."""
    small = crops.reshape(len(crops), 8, 14, 8, 14, 3).mean(axis=(2, 4)).reshape(len(crops), -1)
    return on_grid(small - small.mean(axis=1, keepdims=True))


def test_aligned_pairs_are_judged_better_than_by_chance(face_folder: Path) -> None:
    report = verify_shard(
        face_folder / "lfw_dev_aligned.npz", pixels_as_vector, model="pixels", thresholds=LEVELS
    )
    assert (report.pairs, report.images, report.not_detected) == (1000, 1549, ())
    assert 0.55 < report.accuracy < 0.75
    assert 0.55 < report.auc < 0.8
    assert 0.25 < report.eer < 0.45
    assert report.tar["1e-04"] <= report.tar["1e-03"] <= report.tar["1e-02"]
    assert report.limited == ("1e-03", "1e-04")
    said = report.as_json()
    assert {"accuracy", "auc", "eer", "tar", "not_detected"} <= said.keys()
    at = said["at_thresholds"]["accept"]
    assert at["far"] == pytest.approx((report.scores[~report.same] >= 0.9).mean(), abs=1e-5)


def half_detector(pixels: Pixels) -> list[Detection]:
    """Finds LFW's face where LFW has it, but none in dark pictures."""
    if pixels.mean() < 90:
        return []
    points = ((0.42, 0.44), (0.58, 0.44), (0.5, 0.54), (0.43, 0.62), (0.57, 0.62))
    return [Detection(Box(0.33, 0.3, 0.34, 0.4), Landmarks(points), 0.9)]


def test_a_face_that_is_not_found_counts_as_somebody_else(shared: Path) -> None:
    folder = shared / "lfw_dev"
    pairs = read_pairs(folder / "pairs.txt", folder / "images")
    pairs = [*pairs[:30], *pairs[500:530]]
    report = verify_photos(pairs, pixels_as_vector, half_detector, model="pixels")
    dark = [p.first for p in pairs if np.asarray(Image.open(p.first).convert("RGB")).mean() < 90]
    assert dark
    assert {str(path) for path in dark} <= set(report.not_detected)
    lost = report.scores == -1
    assert lost.sum() == report.pairs_not_detected >= len(dark)
    assert report.pairs_not_detected < 60


def test_an_unreadable_photo_is_named_and_stops_nothing(tmp_path: Path) -> None:
    Image.new("RGB", (112, 112), "red").save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"no photo")
    found = embed_photos([tmp_path / "a.png", tmp_path / "b.jpg"], pixels_as_vector, None)
    assert found.found.tolist() == [True, False]
    assert found.unreadable == (str(tmp_path / "b.jpg"),)
    assert found.not_detected == ()


def test_a_portrait_is_about_its_large_central_face() -> None:
    def face(x: float, side: float) -> Detection:
        return Detection(Box(x, 0.4, side, side), Landmarks(((0.0, 0.0),) * 5), 0.9)

    small_middle, large_edge, large_near = face(0.45, 0.1), face(0.8, 0.2), face(0.35, 0.2)
    assert nearest_the_centre([small_middle, large_edge, large_near], 250, 250) is large_near
    assert nearest_the_centre([face(0.48, 0.18), large_edge], 250, 250).box.x == 0.48


# ---- identification


@pytest.fixture(scope="module")
def portraits(face_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Crops of twelve people: eight in the gallery, all among the probes."""
    folder = tmp_path_factory.mktemp("portraits")
    faces = load_faces([face_folder / "calibration.npz"])
    for person in range(12):
        rows = np.flatnonzero(faces.labels == person)[:4]
        for place, crop in enumerate(faces.take(rows).pixels()):
            part = "gallery" if place < 2 and person < 8 else "probes"
            target = folder / part / f"person {person}"
            target.mkdir(parents=True, exist_ok=True)
            Image.fromarray(crop).save(target / f"{place}.png")
    return folder


def test_probes_find_their_people_and_strangers_stay_strangers(portraits: Path) -> None:
    gallery, probes = (read_portraits(portraits / part) for part in ("gallery", "probes"))
    report = evaluate_identification(
        gallery, probes, pixels_as_vector, None, model="pixels", thresholds=LEVELS
    )
    assert (report.people, report.gallery) == (8, 16)
    assert (report.figures.enrolled, report.figures.strangers) == (16, 16)
    assert report.figures.rank1 <= report.figures.rank5 <= 1
    assert report.figures.rank5 > 5 / 8
    assert 0 <= report.figures.dir[1e-2] <= report.figures.rank1
    assert report.at_accept["named"] + report.at_accept["wrong"] <= 1
    assert report.as_json()["rank1"] == report.figures.rank1


def test_the_same_photo_finds_itself(portraits: Path, tmp_path: Path) -> None:
    gallery = read_portraits(portraits / "gallery")
    for portrait in gallery:
        copy = tmp_path / portrait.person / portrait.path.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(portrait.path.read_bytes())
    alone = [p for p in gallery if p.path.name == "0.png"]
    again = [p for p in read_portraits(tmp_path) if p.path.name == "0.png"]
    report = evaluate_identification(alone, again, pixels_as_vector, None, model="pixels")
    assert report.figures.rank1 == 1
    assert report.at_accept == {}


def test_a_photo_on_both_sides_is_refused(portraits: Path) -> None:
    gallery = read_portraits(portraits / "gallery")
    with pytest.raises(UsageError, match="16 photos"):
        evaluate_identification(gallery, gallery, pixels_as_vector, None, model="pixels")


def test_a_gallery_may_be_a_table(portraits: Path) -> None:
    (portraits / "known.csv").write_text("file,person\ngallery/person 0/0.png,Ann\n")
    (one,) = read_portraits(portraits / "known.csv")
    assert (one.person, one.path.is_file()) == ("Ann", True)
    (portraits / "lost.csv").write_text("file,person\nnowhere.png,Ann\n")
    with pytest.raises(UsageError, match=r"nowhere\.png"):
        read_portraits(portraits / "lost.csv")


# ---- clustering


def record(key: str, boxes: list[Box]) -> PhotoRecord:
    faces = tuple(
        FaceRecord(
            box=box,
            landmarks=Landmarks(((0.1, 0.1),) * 5),
            score=0.9,
            quality=0.8,
            embedding=on_grid(np.ones(4)),
            crop=b"",
        )
        for box in boxes
    )
    return PhotoRecord(key * 32, key * 32, 200, 100, "JPEG", None, faces, None)


LEFT, RIGHT, CORNER = Box(0.1, 0.2, 0.2, 0.5), Box(0.6, 0.2, 0.2, 0.5), Box(0.9, 0.9, 0.1, 0.1)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Three photos; `cluster` of each face from left to right."""
    lib = open_to_write(tmp_path / "lib", "test", "2026-01-01", create=True)
    root, _ = photo_table.adopt_root(lib, "/pictures")
    clusters = {"a": [1, 2], "b": [1, None], "c": [2, 2, 3]}
    boxes = {"a": [LEFT, RIGHT], "b": [LEFT, RIGHT], "c": [LEFT, RIGHT, CORNER]}
    new: dict[int, Assignment] = {}
    for key, places in boxes.items():
        photo, numbers = photo_table.add_photo(lib, record(key, places), 10, "mtcnn", "m")
        photo_table.set_path(lib, root, "2012/été", f"{key}.jpg", 10, 0, photo)
        for number, cluster in zip(numbers, clusters[key], strict=True):
            state = "unknown" if cluster is None else "cluster"
            new[number] = Assignment(number, state, cluster=cluster)
    save_assignments(lib, {}, new)
    return lib


def truth_of(person: str, file: str, box: Box) -> TrueFace:
    x, y, w, h = box.pixels(200, 100)
    return TrueFace(f"2012/été/{file}.jpg", x + 2, y - 1, w, h, person)


def test_groups_are_compared_with_the_truth_photo_by_photo(library: Library) -> None:
    truth = [
        truth_of("Ann", "a", LEFT),
        truth_of("Bo", "a", RIGHT),
        truth_of("Ann", "b", LEFT),
        truth_of("Bo", "b", RIGHT),
        truth_of("Bo", "c", LEFT),
        truth_of("Cy", "c", RIGHT),
        truth_of("Dee", "c", Box(0.35, 0.05, 0.1, 0.1)),
        TrueFace("2012/été/lost.jpg", 0, 0, 9, 9, "Ann"),
    ]
    with library:
        report = evaluate_clustering(library, truth)
    assert (report.photos, report.faces, report.found, report.others) == (3, 7, 6, 1)
    assert report.absent == ("2012/été/lost.jpg",)
    assert report.missed == ("2012/été/c.jpg: Dee",)
    assert (report.people, report.groups) == (3, 2)
    # Groups: 1 = Ann, Ann; 2 = Bo, Bo, Cy; one Bo alone.
    assert report.bcubed.precision == pytest.approx((1 + 1 + 2 / 3 + 2 / 3 + 1 / 3 + 1) / 6)
    assert report.bcubed.recall == pytest.approx((1 + 1 + 2 / 3 + 2 / 3 + 1 / 3 + 1) / 6)
    assert report.bcubed_with_missed.precision > report.bcubed.precision
    assert report.same_photo_violations == 1
    assert report.clicks == 4
    assert report.as_json()["clicks_to_name_90_percent"] == 4


def test_a_library_without_these_photos_says_what_to_do(library: Library) -> None:
    with library, pytest.raises(UsageError, match="phototag scan"):
        evaluate_clustering(library, [TrueFace("x.jpg", 0, 0, 9, 9, "Ann")])


def test_each_found_face_is_one_row_only() -> None:
    seen = [
        SeenFace(i, 1, "k", box, "", 1, 1, "unknown", *[None] * 7, "")  # type: ignore[arg-type]
        for i, box in enumerate([Box(0, 0, 0.5, 0.5), Box(0.1, 0, 0.5, 0.5)])
    ]
    rows = [TrueFace("f", 8, 0, 50, 50, "a"), TrueFace("f", 0, 0, 50, 50, "b")]
    assert matched(rows, seen, (100, 100)) == {0: 1, 1: 0}
    assert matched([TrueFace("f", 60, 60, 40, 40, "a")], seen, (100, 100)) == {}


def test_the_album_has_its_truth(shared: Path) -> None:
    truth = read_truth(shared / "album" / "truth.csv")
    assert len({face.person for face in truth}) == 70
    with (shared / "album" / "truth.csv").open(encoding="utf-8", newline="") as file:
        assert len(truth) == sum(1 for _ in csv.DictReader(file))


@pytest.mark.parametrize(
    ("text", "word"),
    [("file,x\na,1\n", "lacks"), ("file,x,y,w,h,person\na,1,2,3,wide,Ann\n", "line 2")],
)
def test_a_truth_that_makes_no_sense_says_where(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text(text)
    with pytest.raises(UsageError, match=word):
        read_truth(tmp_path / "truth.csv")


# ---- pictures


def test_every_report_has_its_picture(
    face_folder: Path, portraits: Path, library: Library, tmp_path: Path
) -> None:
    gallery, probes = (read_portraits(portraits / part) for part in ("gallery", "probes"))
    with library:
        groups = evaluate_clustering(library, [truth_of("Ann", "a", LEFT)])
    reports = {
        "verification.png": verify_shard(
            face_folder / "lfw_dev_aligned.npz", pixels_as_vector, model="pixels"
        ),
        "identification.svg": evaluate_identification(
            gallery, probes, pixels_as_vector, None, model="pixels"
        ),
        "clustering.png": groups,
    }
    for name, report in reports.items():
        draw(report, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 5000
    with Image.open(tmp_path / "verification.png") as picture:
        assert picture.width > 1000
    with pytest.raises(UsageError, match=r"\.png"):
        draw(groups, tmp_path / "clustering.docx")
