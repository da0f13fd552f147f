"""Scans from the page, and pictures that are shown to it: what is kept, what is refused."""

from __future__ import annotations

import http.client
import os
import shutil
import threading
from pathlib import Path

import pytest
from builders import Home
from gallery import GALLERY, chosen
from visitor import Visitor, news

from phototag.catalog import store
from phototag.catalog.recognizer import recognizer
from phototag.cli import app
from phototag.images.samples import sample
from phototag.web import identifying
from tests.tiny_classifier import trained_run

FACES = GALLERY / next(name for name in chosen() if name.endswith("103 (everyone).jpg"))


# -- scans -----------------------------------------------------------------------------------------


def test_a_scan_is_watched_stopped_and_goes_on_where_it_was(owner: Visitor) -> None:
    home, more = owner.home, 16
    for number in range(more):
        shutil.copy(FACES, home.photos / f"new{number}.jpg")
        with (home.photos / f"new{number}.jpg").open("ab") as file:
            file.write(bytes([number]))  # many photos, not one in many places
    root = home.sql("SELECT id FROM roots")[0][0]
    told = news(owner)
    assert next(told)["state"] == "idle"
    assert owner.post("/scan", {"root": root}).json["state"] == "running"
    again = owner.post("/scan", {"root": root})
    assert (again.code, again.json["error"]) == (423, "library-in-use")
    while (last := next(told))["done"] == 0 or last["stage"] != "Finding faces":
        assert last["state"] == "running"
    assert last["total"] == more
    assert owner.post("/scan/stop").json["state"] == "stopping"
    while (last := next(told))["state"] in ("running", "stopping"):
        pass
    assert last["state"] == "stopped"
    count = "SELECT COUNT(*) FROM paths WHERE name LIKE 'new%' AND photo_id IS NOT NULL"
    done = home.sql(count)[0][0]
    assert 0 < done < more
    assert home.sql("SELECT outcome FROM runs ORDER BY id DESC LIMIT 1") == [("interrupted",)]
    assert not store.in_use(home.library)
    owner.post("/scan", {})
    while (last := next(told))["state"] != "done":
        assert last["state"] == "running", last["text"]
    told.close()
    assert f"{more - done} new photo" in last["text"]
    assert home.sql(count)[0][0] == more


def test_a_scan_from_the_page_waits_for_no_other_and_says_whose_turn_it_is(owner: Visitor) -> None:
    with store.open_to_write(owner.home.library, "phototag scan /archive", "2026-01-02"):
        told = news(owner)
        owner.post("/scan", {})
        while (last := next(told))["state"] in ("idle", "running"):
            pass
        told.close()
    assert last["state"] == "failed"
    assert "phototag scan /archive" in last["text"]


def test_a_trained_classifier_in_use_stays_in_use(owner: Visitor, tmp_path: Path) -> None:
    home, run = owner.home, trained_run(tmp_path / "run")
    line = ["scan", str(home.photos), "--library", str(home.library), "--quiet"]
    assert app.run([*line, "--recognizer", f"classifier:{run}"]) in (0, 3)
    shutil.rmtree(run)
    with owner.desk.reading() as lib:
        before = recognizer(lib)
    assert not before.is_gallery
    shutil.copy(FACES, home.photos / "new.jpg")
    told = news(owner)
    owner.post("/scan", {})
    while (last := next(told))["state"] in ("idle", "running"):
        pass
    told.close()
    assert (last["state"], "1 new photo" in last["text"]) == ("done", True), last["text"]
    with owner.desk.reading() as lib:
        assert recognizer(lib) == before
    seen = (
        "SELECT COUNT(*) FROM embeddings e JOIN faces f ON f.id = e.face_id"
        " JOIN paths p USING (photo_id) WHERE p.name = 'new.jpg' AND e.model = ?"
    )
    assert home.sql(seen, before.id) == [(4,)], "it looked at the new faces, too"


@pytest.mark.parametrize("words", [{"root": 99}, {"root": "../"}, {"path": "/nowhere/at/all"}])
def test_only_folders_that_are_there_are_scanned(owner: Visitor, words: dict) -> None:
    heard = owner.post("/scan", words)
    assert heard.code == 422
    assert heard.json["message"]


# -- uploads ---------------------------------------------------------------------------------------


def upload(visitor: Visitor, data: bytes, name: str = "a.jpg"):
    return visitor.ask("POST", f"/identify?name={name}", data)


def everything(*folders: Path) -> set[str]:
    return {os.path.join(top, n) for f in folders for top, _, names in os.walk(f) for n in names}


def test_an_upload_is_looked_at_and_kept_nowhere(
    owner: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    home = owner.home
    owner.get("/people")
    before = everything(tmp_path)
    rows = home.sql("SELECT COUNT(*) FROM photos"), home.sql("SELECT COUNT(*) FROM faces")
    said = upload(owner, FACES.read_bytes(), "who%20is%20this.jpg").json
    assert said["name"] == "who is this.jpg"
    assert len(said["faces"]) == 4
    assert [face["person"] for face in said["faces"]] == [None] * 4, "not recognised"
    assert owner.get(said["picture"]).headers["content-type"] == "image/webp"
    assert owner.get(said["faces"][0]["picture"]).code == 200
    assert owner.get(f"/identify/{said['id']}/face/5").code == 404
    assert owner.get("/identify/0123456789abcdef/picture").code == 404
    one, other = ({"id": said["id"], "index": index} for index in (1, 2))
    assert owner.post("/verify", {"one": one, "other": one}).json["same"] is True
    assert owner.post("/verify", {"one": one, "other": other}).json["similarity"] < 0.99
    assert everything(tmp_path) == before
    assert rows == (home.sql("SELECT COUNT(*) FROM photos"), home.sql("SELECT COUNT(*) FROM faces"))


def test_a_registered_face_is_known_and_its_picture_is_kept(owner: Visitor) -> None:
    home, data = owner.home, FACES.read_bytes()
    found = upload(owner, data, "who.JPG").json
    words = {"id": found["id"], "index": 2, "name": "Newcomer"}
    said = owner.post("/do/enroll", words)
    assert (said.code, said.json["kind"]) == (200, "enroll"), said.text
    faces = owner.get(f"/identify/{found['id']}").json["faces"]
    assert [face["person"] == "Newcomer" for face in faces] == [False, True, False, False]
    (kept,) = (path for path in (home.library / "enrolled").rglob("*") if path.is_file())
    assert (kept.suffix, kept.read_bytes()) == (".jpg", data)
    owner.post("/do/undo", {"decision": said.json["decision"]})
    assert "Newcomer" not in owner.get(f"/identify/{found['id']}").text


def test_a_poor_example_is_registered_only_when_the_user_insists(owner: Visitor) -> None:
    found = upload(owner, FACES.read_bytes()).json
    words = {"id": found["id"], "index": 1, "name": "Newcomer"}
    assert owner.post("/do/enroll", words).code == 200
    other = words | {"name": "Somebody else"}
    heard = owner.post("/do/enroll", other)
    assert (heard.code, heard.json["error"]) == (409, "not-taken")
    assert heard.json["message"].startswith("You said that this face is Newcomer")
    assert owner.post("/do/enroll", other | {"yes": True}).code == 200
    for wrong, code in (({"index": 9}, 422), ({"id": "0123"}, 404), ({"name": 3}, 422)):
        assert owner.post("/do/enroll", words | wrong).code == code


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_pictures_of_all_kinds_are_taken(owner: Visitor, kind: str) -> None:
    heard = upload(owner, sample(kind))
    assert heard.code == 200, heard.text
    assert (heard.json["width"], heard.json["faces"]) == (48, [])


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"<svg onload=alert(1)>", FACES.read_bytes()[:2000]]
)
def test_what_is_no_picture_is_refused(owner: Visitor, data: bytes) -> None:
    heard = upload(owner, data)
    assert (heard.code, heard.json["error"]) == (415, "unreadable")


def test_an_upload_that_is_too_large_is_refused_before_it_is_read(owner: Visitor) -> None:
    heard = owner.ask("POST", "/identify", None, content_length=str(identifying.LARGEST + 1))
    assert heard.code == 422
    assert "40 MB" in heard.json["message"]


def test_an_upload_that_hides_its_size_is_cut_off(
    owner: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identifying, "LARGEST", 1000)
    host, _, port = owner.address.rpartition(":")
    line = http.client.HTTPConnection(host, int(port), timeout=30)
    words = {"Cookie": owner.cookie, "Origin": f"http://{owner.address}"}
    parts = (b"x" * 600 for _ in range(4))
    line.request("POST", "/identify", body=parts, headers=words, encode_chunked=True)
    answer = line.getresponse()
    assert answer.status == 422
    answer.close()
    line.close()


def test_only_the_latest_uploads_are_in_memory(owner: Visitor) -> None:
    found = [upload(owner, sample("PNG")).json["id"] for _ in range(identifying.KEPT + 1)]
    codes = [owner.get(f"/identify/{number}/picture").code for number in found]
    assert codes == [404] + [200] * identifying.KEPT


def test_many_looks_at_once_are_answered(owner: Visitor, home: Home) -> None:
    """Decoders take turns; nothing is mixed up."""
    faces = [face for (face,) in home.sql("SELECT id FROM faces LIMIT 8")]
    alone = {face: owner.get(f"/pictures/face/{face}/large").body for face in faces}
    heard: dict[int, bytes] = {}

    def look(face: int) -> None:
        heard[face] = owner.get(f"/pictures/face/{face}/large").body

    threads = [threading.Thread(target=look, args=(face,)) for face in faces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == alone
