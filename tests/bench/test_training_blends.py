"""Blends of faces: people who do not exist, and what the teacher says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from phototag.bench.blends import FIRST, POOL, Blends
from phototag.bench.faces import load_faces
from phototag.bench.recipe import Recipe
from phototag.errors import UsageError

Faces = NDArray[np.uint8]


class Brightness:
    """Answers with how bright a face is, so that each answer can be told from its picture."""

    def __init__(self) -> None:
        self.asked = 0

    def embed(self, faces: Faces) -> NDArray[np.float32]:
        self.asked += len(faces)
        return faces.mean(axis=(1, 2, 3), dtype=np.float32)[:, None]


@pytest.fixture
def grey() -> Faces:
    """100 plain faces, no two alike."""
    return np.repeat(np.arange(50, 250, 2, dtype=np.uint8), 8 * 8 * 3).reshape(-1, 8, 8, 3)


def test_each_blend_comes_with_the_answer_about_itself(grey: Faces) -> None:
    blends = Blends(grey, Brightness(), reuse=4, seed=(1, 0))
    for _ in range(40):
        faces, answers = blends.draw(200)
        assert np.array_equal(faces.mean(axis=(1, 2, 3), dtype=np.float32), answers[:, 0])


def test_most_blends_are_like_neither_of_their_faces(grey: Faces) -> None:
    faces, _ = Blends(grey, Brightness(), reuse=4, seed=(1, 0)).draw(1000)
    assert len({int(face[0, 0, 0]) for face in faces} - set(grey[:, 0, 0, 0])) > 50


def test_a_blend_is_asked_about_once_for_so_many_showings(grey: Faces) -> None:
    teacher = Brightness()
    blends = Blends(grey, teacher, reuse=4, seed=(1, 0))
    for _ in range(100):
        blends.draw(512)
    assert teacher.asked == pytest.approx(100 * 512 / 4, abs=2 * FIRST)


def test_the_pool_stays_bounded_and_its_answers_stay_right(grey: Faces) -> None:
    blends = Blends(grey, Brightness(), reuse=1, seed=(1, 0))
    for _ in range(3):
        faces, answers = blends.draw(POOL // 2)
    assert len(blends._rows) == POOL
    assert np.array_equal(faces.mean(axis=(1, 2, 3), dtype=np.float32), answers[:, 0])


@pytest.mark.train
def test_the_teacher_says_of_stored_faces_what_is_stored_with_them(face_folder: Path) -> None:
    from phototag.bench.teacher import Teacher

    faces = load_faces([face_folder / "shard-0.npz"], limit=24)
    said = Teacher(face_folder / "teacher.npz").embed(faces.pixels())
    agree = said @ faces.targets.T
    # The stored vectors are of the crops before they were made small (WebP): 0.968 in the mean.
    assert np.diag(agree).mean() > 0.95
    assert (agree.argmax(axis=1) == np.arange(24)).all()


@pytest.mark.train
def test_a_run_with_a_teacher_learns_from_blends_and_goes_on(
    face_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from phototag.bench import blends
    from phototag.bench.train_embedder import train

    monkeypatch.setattr(blends, "FIRST", 32)
    faces = load_faces([face_folder / "shard-0.npz"], limit=60)
    recipe = Recipe(sizes=(32,), shares=(1.0,), steps=4, batch=16, warm=2, optimizer="adamw")
    recipe = replace(recipe, teacher=str(face_folder / "teacher.npz"), blend=0.5)
    begun = train(recipe, faces, tmp_path, every=1e9, stop_after=lambda step: step >= 2)
    assert not begun.finished
    done = train(recipe, faces, tmp_path, every=1e9, resume=True)
    assert done.finished
    assert done.checks[-1].seen == 4 * 16


def test_a_file_that_is_no_teacher_is_named(tmp_path: Path) -> None:
    from phototag.bench.teacher import Teacher

    other = tmp_path / "other.npz"
    np.savez(other, program='[["Nonsense", "t0", ["x"], {}]]')
    with pytest.raises(UsageError, match=r"other\.npz: not a teacher"):
        Teacher(other)
