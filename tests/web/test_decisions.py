"""What is done from the page: decisions of the journal like any other, one at a time, beside other
writers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import Home
from visitor import Visitor, served

from phototag.catalog import evidence, grids, store
from phototag.cli import app
from phototag.web import desk as desks


def until(true: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return False


def journal(home: Home) -> list[dict]:
    lines = (home.library / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def sidecar(home: Home, name: str) -> list[str | None]:
    """Who a photo's sidecar says is in it, from left to right."""
    path = Path(home.photo(name) + ".phototag.json")
    text = path.read_text(encoding="utf-8") if path.exists() else '{"faces": []}'
    return [face["person"] for face in json.loads(text)["faces"]]


def cluster_of(home: Home, name: str) -> str:
    return question_of(home, home.face(name))


# -- decisions -------------------------------------------------------------------------------------


def test_an_answer_is_a_decision_with_its_name_and_its_outputs_follow(owner: Visitor) -> None:
    home = owner.home
    target = cluster_of(home, "s2.jpg")
    said = owner.post("/do/label", {"targets": [target], "name": "  Eve "}).json
    assert said["text"] == "3 faces are now Eve."
    last = journal(home)[-1]
    assert (last["id"], last["kind"], last["actor"]) == (said["decision"], "label", "tester")
    assert last["payload"]["person"] == "Eve"
    assert until(lambda: sidecar(home, "s2.jpg") == ["Eve"])
    undone = owner.post("/do/undo", {"decision": said["decision"]}).json
    assert undone["text"] == "Undone: label 3 faces as Eve."
    assert until(lambda: sidecar(home, "s2.jpg") == [None])
    assert cluster_of(home, "s2.jpg") == target, "numbers come back, too"
    assert owner.post("/do/redo").json["kind"] == "redo"


def test_what_follows_for_other_faces_is_said(owner: Visitor) -> None:
    face = owner.home.face("alice 1.jpg")
    said = owner.post("/do/reject", {"targets": [face], "name": "Alice"}).json
    assert said["text"].startswith("1 face is not Alice, for good.")
    more = said["recognised"], said["suggested"], said["withdrawn"]
    assert ("withdrawn" in said["text"]) == (more[2] > 0)


def test_every_verb_of_the_page_is_undone_by_the_page(owner: Visitor) -> None:
    home = owner.home
    before = home.sql("SELECT * FROM assignments ORDER BY face_id")
    people = home.sql("SELECT * FROM people ORDER BY id")
    face = home.face("bob.jpg")
    for verb, words in (
        ("label", {"targets": [home.face("lone.jpg")], "name": "Zoë"}),
        ("reject", {"targets": [face], "name": "Bob"}),
        ("ignore", {"targets": [cluster_of(home, "s1.jpg")]}),
        ("not-a-face", {"targets": [home.face("lone.jpg")]}),
        ("restore", {"targets": [home.face("passer.jpg")]}),
        ("rename", {"name": "Bob", "into": "Robert"}),
        ("merge", {"name": "Carol", "into": "山田 太郎"}),
        ("split", {"name": "Bob", "targets": [face], "into": "Rob"}),
        ("split", {"name": "Bob", "targets": [face], "into": None}),
    ):
        said = owner.post(f"/do/{verb}", words)
        assert said.code == 200, said.text
        assert home.sql("SELECT * FROM assignments ORDER BY face_id") != before or verb == "rename"
        undo = owner.post("/do/undo", {"decision": said.json["decision"]})
        assert undo.code == 200, undo.text
        assert home.sql("SELECT * FROM assignments ORDER BY face_id") == before, verb
        assert home.sql("SELECT * FROM people ORDER BY id") == people, verb


def test_a_missed_face_is_drawn(owner: Visitor) -> None:
    home = owner.home
    number = home.sql("SELECT photo_id FROM paths WHERE name = 'nobody.jpg'")[0][0]
    words = {"photo": number, "box": [0.2, 0.2, 0.3, 0.4], "name": "Alice"}
    assert owner.post("/do/draw", words).code == 200
    assert "Alice" in owner.look(f"/photos/{number}").text
    assert until(lambda: sidecar(home, "nobody.jpg") == ["Alice"])
    for wrong in ({"photo": "bob.jpg"}, {"photo": 9999}, {"box": [1, 2]}, {"box": [0, 0, 9, "x"]}):
        assert owner.post("/do/draw", words | wrong).code in (404, 422)


def test_a_person_twice_in_a_photo_is_asked_about(owner: Visitor) -> None:
    home = owner.home
    words = {"targets": [home.face("2021/twins.jpg", 2)], "name": "Alice"}
    owner.post("/do/label", {"targets": [home.face("2021/twins.jpg", 1)], "name": "Alice"})
    heard = owner.post("/do/label", words)
    assert (heard.code, heard.json["error"]) == (409, "twice-in-photo")
    assert owner.post("/do/label", words | {"allow_twice": True}).code == 200


def test_the_page_takes_back_only_what_it_names(owner: Visitor) -> None:
    """Something was decided in a terminal since: that is not undone by mistake."""
    home = owner.home
    said = owner.post("/do/ignore", {"targets": [home.face("lone.jpg")]}).json
    rename = ["rename", "Bob", "Robert", "--library", str(home.library)]
    assert until(lambda: app.run(rename) == 0), "the page holds the library for moments only"
    heard = owner.post("/do/undo", {"decision": said["decision"]})
    assert (heard.code, heard.json["error"]) == (409, "nothing-to-undo")
    assert "rename Bob to Robert" in heard.json["message"]
    assert owner.post("/do/undo").code == 200


def doubtful(owner: Visitor) -> dict | None:
    """The first question about a name, if there is one."""
    skip: list[str] = []
    while asked := owner.post("/review/next", {"skip": skip}).json["questions"]:
        found = next((each for each in asked if each["kind"] == "doubt"), None)
        if found is not None:
            return found
        skip += [each["target"] for each in asked]
    return None


@pytest.mark.parametrize("answer", ["it is", "it is not"])
def test_a_name_that_the_audit_doubts_is_asked_about_until_it_is_answered(
    owner: Visitor, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr("phototag.work.review.PAUSE", 0)
    assert doubtful(owner) is None
    face = owner.home.face("bob.jpg")
    owner.post("/do/label", {"targets": [face], "name": "Alice"})
    asked = doubtful(owner)
    assert asked is not None
    assert (asked["target"], asked["person"], asked["rival"]) == (face, "Alice", "Bob")
    assert asked["why"] == ["fits Bob better"]
    assert asked["choices"][0]["person"] == "Bob"
    if answer == "it is":
        owner.post("/do/reject", {"targets": [face], "name": "Bob"})
    else:
        owner.post("/do/split", {"name": "Alice", "targets": [face], "into": "Bob"})
    assert doubtful(owner) is None
    owner.post("/do/undo")
    assert doubtful(owner) == asked


# -- who is proposed -------------------------------------------------------------------------------


def question_of(home: Home, face: str) -> str:
    """What a question about a face names: its cluster, where it is in one."""
    sql = "SELECT cluster_id FROM assignments WHERE face_id = ?"
    ((cluster,),) = home.sql(sql, face.partition("-")[2])
    return face if cluster is None else f"cluster-{cluster}"


def proposed(owner: Visitor, target: str) -> list[str]:
    """The people that the question about a face or a cluster offers."""
    skip: list[str] = []
    while asked := owner.post("/review/next", {"skip": skip}).json["questions"]:
        for each in asked:
            if each["target"] == target:
                return [choice["person"] for choice in each["choices"]]
        skip += [each["target"] for each in asked]
    raise AssertionError(f"{target} is not asked about")


def test_nine_people_are_proposed_of_those_who_are_more(owner: Visitor) -> None:
    home = owner.home
    strangers = ["2021/never.jpg", "s1.jpg", "s2.jpg", "o2.jpg", "statue.jpg", "2021/dim.jpg"]
    for number, name in enumerate(strangers):
        words = {"targets": [home.face(name)], "name": f"Person {number}"}
        assert owner.post("/do/label", words).code == 200
    assert home.sql("SELECT COUNT(*) FROM people") == [(10,)]
    found = proposed(owner, home.face("lone.jpg"))
    assert len(set(found)) == 9


@pytest.mark.parametrize("how", ["named", "recognised"])
def test_nobody_is_proposed_who_is_in_the_photo_already(owner: Visitor, how: str) -> None:
    home, photo = owner.home, b"2021/caf\xe9.jpg"
    face, beside = home.face(photo, 1), home.face(photo, 2)
    if how == "named":
        owner.post("/do/label", {"targets": [beside], "name": "Bob"})
    owner.post("/do/split", {"name": "Alice", "targets": [face], "into": None})
    states = home.sql("SELECT state FROM assignments WHERE face_id = ?", beside.partition("-")[2])
    assert states == [("manual" if how == "named" else "automatic",)]
    assert "Bob" in proposed(owner, home.face("lone.jpg"))
    assert sorted(proposed(owner, question_of(home, face))) == ["Carol", "山田 太郎"]


def test_nobody_is_proposed_for_a_cluster_who_is_beside_one_of_its_faces(owner: Visitor) -> None:
    home = owner.home
    beside, cluster = home.face("s1.jpg", 1), cluster_of(home, "o2.jpg")
    owner.post("/do/label", {"targets": [beside], "name": "Eve"})
    assert "Eve" in proposed(owner, home.face("lone.jpg"))
    assert sorted(proposed(owner, cluster)) == ["Alice", "Bob", "Carol", "山田 太郎"]
    owner.post("/do/reject", {"targets": [home.face("o2.jpg")], "name": "Bob"})
    assert "Bob" not in proposed(owner, cluster_of(home, "o2.jpg")), "or who one of them is not"


def test_who_is_seen_at_another_moment_or_in_a_mirror_may_be_proposed(owner: Visitor) -> None:
    home = owner.home
    beside, face = home.face("s1.jpg", 1), home.face("s1.jpg", 2)
    numbers = [int(word.partition("-")[2]) for word in (beside, face)]
    owner.post("/do/label", {"targets": [beside], "name": "Eve"})

    def excluded() -> int:
        with owner.desk.reading() as lib:
            return len(evidence.not_asked(lib, numbers[1:]))

    assert excluded() == 1
    film = "INSERT INTO tracks VALUES (?, ?, ?, '[]', '[]')"
    home.sql(film, numbers[0], 0, 1000)
    home.sql(film, numbers[1], 900, 2000)
    assert excluded() == 1
    home.sql("UPDATE tracks SET first = 1100 WHERE face_id = ?", numbers[1])
    assert excluded() == 0
    home.sql("DELETE FROM tracks")
    words = {"targets": [beside], "name": "Eve", "allow_twice": True}
    assert owner.post("/do/label", words).code == 200
    assert excluded() == 0


# -- beside another writer -------------------------------------------------------------------------


def test_reading_never_waits_and_a_decision_says_for_whom(owner: Visitor) -> None:
    home, face = owner.home, owner.home.face("lone.jpg")
    count = len(journal(home))
    with store.open_to_write(home.library, "phototag scan /archive", "2026-01-02") as scan:
        with scan.transaction():
            scan.db.execute("UPDATE photos SET version = version + 1")
            for path in ("/review", "/people", "/clusters", "/photos", "/photos/1", "/scan"):
                assert owner.look(path).code == 200, path
            assert owner.post("/review/next").code == 200
            assert "phototag scan /archive" in owner.look("/scan").text
            heard = owner.post("/do/ignore", {"targets": [face]})
        assert heard.code == 423
        assert "phototag scan /archive" in heard.json["message"]
        assert len(journal(home)) == count
        late: list[int] = []
        asking = threading.Thread(
            target=lambda: late.append(owner.post("/do/ignore", {"targets": [face]}).code)
        )
        asking.start()
    asking.join()
    assert late == [200], "free again within its patience"


def test_a_page_shows_one_moment_whatever_is_decided_meanwhile(owner: Visitor) -> None:
    with owner.desk.reading() as lib:
        before = grids.count_people(lib)
        name = {"targets": [owner.home.face("lone.jpg")], "name": "Lone"}
        assert owner.post("/do/label", name).code == 200
        assert grids.count_people(lib) == before
    with owner.desk.reading() as lib:
        assert grids.count_people(lib) == before + 1


def test_outputs_make_way_for_a_decision(owner: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of sidecars after one answer do not hold up the next one."""
    home = owner.home
    monkeypatch.setattr("phototag.work.publish.BATCH", 1)
    owner.desk.publish()
    home.sql("UPDATE photos SET published = 0")
    made = threading.Event()
    original = desks.Desk._waiting_first

    def slowly(self: desks.Desk) -> None:
        made.set()
        time.sleep(0.05)
        original(self)

    monkeypatch.setattr(desks.Desk, "_waiting_first", slowly)
    owner.desk.publish_soon()
    assert made.wait(5)
    assert owner.post("/do/ignore", {"targets": [home.face("lone.jpg")]}).code == 200
    assert home.sql("SELECT COUNT(*) FROM photos WHERE published = 0")[0][0] > 1
    monkeypatch.setattr(desks, "AGAIN", 0.05)
    monkeypatch.setattr(desks.Desk, "_waiting_first", original)
    assert until(lambda: home.sql("SELECT COUNT(*) FROM photos WHERE published = 0") == [(0,)])


def test_what_is_due_is_written_when_the_server_ends(home: Home) -> None:
    with served(home) as visitor:
        visitor.enter().post("/do/label", {"targets": [home.face("lone.jpg")], "name": "Lone"})
        assert sidecar(home, "lone.jpg") == [None], "not yet"
    assert sidecar(home, "lone.jpg") == ["Lone"]


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "words", "code"),
    [
        ("label", {"targets": ["cluster-999"], "name": "A"}, 404),
        ("label", {"targets": ["face-1"], "name": "  "}, 422),
        ("label", {"targets": ["face-1"]}, 422),
        ("label", {"targets": [], "name": "A"}, 422),
        ("reject", {"targets": ["face-1"], "name": "Nobody"}, 404),
        ("merge", {"name": "Alice", "into": "alice"}, 422),
        ("rename", {"name": "Alice", "into": "Bob"}, 422),
        ("undo", {"decision": 1}, 409),
    ],
)
def test_what_cannot_be_is_said(owner: Visitor, verb: str, words: dict, code: int) -> None:
    heard = owner.post(f"/do/{verb}", words)
    assert heard.code == code, heard.text
    assert heard.json["message"]


def test_a_library_that_went_away_is_an_error_and_no_traceback(
    owner: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"):
        (owner.home.library / name).unlink(missing_ok=True)
    heard = owner.look("/people")
    assert heard.code == 503
    assert "There is no library" in heard.text
    assert owner.post("/do/undo").code == 503
    assert "Traceback" not in caplog.text


def test_serve_says_what_is_wrong_before_it_starts(home: Home, tmp_path: Path, capfd) -> None:
    def run(*words: object) -> tuple[int, str]:
        code = app.run(["serve", *(str(word) for word in words)])
        return code, capfd.readouterr().err

    other = ("--library", tmp_path / "none", "--host", "0.0.0.0", "--password-file")
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n", encoding="utf-8")
    secret.chmod(0o600)
    code, said = run(*other, secret, "--port", 0)
    assert code == 5, "others may add no folders, so they are shown no empty library"
    assert "There is no library" in said
    (tmp_path / "file").touch()
    code, said = run("--library", tmp_path / "file" / "library", "--port", 0)
    assert (code, "cannot be made" in said) == (5, True)
    with served(home) as visitor:
        taken = visitor.address.rpartition(":")[2]
        code, said = run("--library", home.library, "--port", taken)
        assert code == 2
        assert f"127.0.0.1:{taken} cannot be used" in said
        assert "--port" in said
        code, said = run("--library", tmp_path / "never", "--port", taken)
        assert (code, (tmp_path / "never").exists()) == (2, False)
    code, said = run("--library", home.library, "--port", 99999)
    assert (code, "99999" in said) == (2, True)
    home.sql("PRAGMA user_version = 99")
    code, said = run("--library", home.library, "--port", 0)
    assert code == 5
    assert "newer phototag" in said
