"""`phototag show`: everything known, and why."""

from __future__ import annotations

import os

import pytest

from phototag.core.quality import GOOD


def sentences(run, word: str) -> str:
    """The first part of what `show` says: the why."""
    ran = run("show", word)
    assert ran.code == 0, ran.err
    return ran.out.partition("\n\n")[0]


def test_a_recognised_face_names_score_threshold_runner_up_and_margin(reading, run) -> None:
    face = reading.face("2021/alice4.jpg")
    why = sentences(run, face)
    assert f"{face} is recognised as Alice: 0.706 to the 3 nearest confirmed faces of Alice" in why
    assert "needs 0.50" in why
    assert "The runner-up is Bob at 0.00, margin 0.706, least 0.05." in why


def test_a_face_below_accept_is_a_suggestion_with_both_thresholds(reading, run) -> None:
    why = sentences(run, f"{reading.photo('2021/dim.jpg')}#1")
    assert "may be Alice: 0.442 to the 3 nearest confirmed faces of Alice" in why
    assert "enough for a suggestion (0.35), not for a name (0.50)" in why
    face = reading.face("2021/dim.jpg")
    assert f"To settle it: phototag label {face} Alice, or phototag reject {face} Alice." in why


def test_a_face_between_two_people_names_the_lead_that_it_lacks(reading, run) -> None:
    why = sentences(run, "between.jpg#1")
    assert "0.548 reaches 0.50, but Bob is at 0.53" in why
    assert "a lead of 0.018, and 0.05 is needed" in why


def test_the_second_alice_of_a_photo_names_the_first(reading, run) -> None:
    first = reading.face("2021/twins.jpg", 1)
    why = sentences(run, reading.face("2021/twins.jpg", 2))
    assert f"is most like Alice, at 0.619, but {first} in the same photo is Alice" in why


def test_a_rejected_face_says_so_and_when(reading, run) -> None:
    ran = run("show", "never.jpg#1")
    assert "is most like Alice, at 0.707, but you said that it is not Alice." in ran.out
    assert "never       Alice" in ran.out
    assert "2026-01-02 03:04  tester  1 face not Alice" in ran.out


def test_a_named_face_names_the_decision(reading, run) -> None:
    why = sentences(run, "bob.jpg#1")
    assert "is Bob: you said so (decision 3 of 2026-01-02 by tester: label 3 faces as Bob)." in why


def test_an_undone_decision_stays_in_the_history(reading, run) -> None:
    ran = run("show", "lone.jpg#1")
    assert "is unknown: nobody reaches 0.35" in ran.out
    assert "ignore 1 face (undone)" in ran.out


def test_ignored_faces_and_statues_say_who_decided(reading, run) -> None:
    assert "is ignored: you said so (decision 6" in run("show", "passer.jpg#1").out
    statue = reading.sql("SELECT face_id FROM verdicts WHERE state = 'not_a_face'")[0][0]
    assert "is not a face: you said so (decision 7" in run("show", f"face-{statue}").out


def test_a_face_of_low_quality_says_what_that_means(reading, run) -> None:
    why = sentences(run, "s3.jpg#1")
    assert f"Its quality is 0.20: below {GOOD:.2f} a face starts no cluster" in why


def test_a_face_in_a_cluster_says_how_well_it_fits(reading, run) -> None:
    why = sentences(run, "s1.jpg#1")
    assert "It is one of 3 faces in cluster-" in why
    assert "0.765 to the other 2 on average; groups join at 0.40" in why


def test_the_nearest_examples_come_with_similarity_person_and_photo(reading, run) -> None:
    face = run("show", "alice4.jpg#1", "--json").json
    first = face["examples"][0]
    assert first == {
        "face": reading.face("alice 1.jpg"),
        "person": "Alice",
        "similarity": pytest.approx(0.72, abs=1e-3),
        "path": reading.photo("alice 1.jpg"),
    }
    assert len(face["examples"]) == 5
    assert face["rivals"][0]["person"] == "Alice"
    similarities = [e["similarity"] for e in face["examples"]]
    assert similarities == sorted(similarities, reverse=True)


def test_a_decided_face_is_no_example_of_itself(reading, run) -> None:
    face = run("show", "alice 1.jpg#1", "--json").json
    assert reading.face("alice 1.jpg") not in [e["face"] for e in face["examples"]]
    alice = next(r for r in face["rivals"] if r["person"] == "Alice")
    assert alice["examples"] == 2
    assert alice["score"] < 0.9


def test_what_show_computes_is_what_recognition_stored(reading, run) -> None:
    rows = reading.sql("SELECT face_id FROM assignments WHERE state = 'automatic'")
    assert len(rows) == 5
    for (number,) in rows:
        face = run("show", f"face-{number}", "--json").json
        own = next(r for r in face["rivals"] if r["person"] == face["person"])
        assert own["score"] == pytest.approx(face["similarity"], abs=1e-4)


def test_thresholds_come_with_their_measurement(reading, run) -> None:
    ran = run("show", "alice4.jpg#1")
    assert "accept 0.5, suggest 0.35, margin 0.05, cluster 0.4" in ran.out
    assert "the card of painted, measured on 80 people with 1,234 faces" in ran.out
    assert "accept: 1 stranger in 10,000 reaches it" in ran.out


def test_a_person_says_how_many_faces_and_which_are_least_sure(reading, run) -> None:
    person = run("show", "alice", "--json").json
    assert (person["faces"], person["confirmed"], person["suggested"], person["rejected"]) == (
        7,
        3,
        2,
        1,
    )
    scores = [line["similarity"] for line in person["doubtful"]]
    assert scores == sorted(scores)
    assert (
        "Alice: 7 faces in 7 photos, 3 named by you and 4 recognised." in run("show", "Alice").out
    )


def test_a_cluster_lists_its_best_faces_and_the_command_to_name_it(reading, run) -> None:
    (number,) = reading.sql(
        "SELECT cluster_id FROM assignments WHERE face_id = ?",
        int(reading.face("s1.jpg").removeprefix("face-")),
    )[0]
    ran = run("show", f"cluster-{number}")
    assert f"cluster-{number} is 3 unnamed faces in 3 photos" in ran.out
    assert f'phototag label cluster-{number} "NAME"' in ran.out
    cluster = run("show", f"cluster-{number}", "--json").json
    qualities = [line["quality"] for line in cluster["members"]]
    assert qualities == sorted(qualities, reverse=True)
    assert cluster["tightness"] == pytest.approx(0.75, abs=0.01)


def test_a_cluster_that_ended_says_what_it_became_and_that_is_no_error(reading, run) -> None:
    (ended,) = reading.sql(
        "SELECT MIN(cluster_id) FROM retired r JOIN verdicts v ON v.face_id = r.face_id"
        " JOIN people p ON p.id = v.person_id WHERE p.name = 'Carol'"
    )[0]
    ran = run("show", f"cluster-{ended}")
    assert (ran.code, ran.lines[0]) == (0, f"cluster-{ended} is now Carol.")
    cluster = run("show", f"cluster-{ended}", "--json").json
    assert (cluster["is_alive"], cluster["heir"]) == (False, "Carol")


def test_a_photo_lists_its_faces_from_left_to_right(reading, run) -> None:
    photo = run("show", reading.photo("alice-bob.jpg"), "--json").json
    assert [(f["index"], f["who"]) for f in photo["faces"]] == [(1, "Alice"), (2, "Bob")]
    assert photo["paths"] == [reading.photo("alice-bob.jpg")]
    assert any(path.endswith("alice-bob.jpg.phototag.json") for path in photo["outputs"])


def test_a_photo_with_copies_lists_them_all(reading, run) -> None:
    ran = run("show", "alice 1.jpg")
    assert "The same photo lies in 2 places." in ran.out
    assert "alice 1 (copy).jpg" in ran.out


def test_a_missing_photo_still_says_who_was_in_it(reading, run) -> None:
    ran = run("show", reading.photo("gone.jpg"))
    assert ran.code == 0
    assert "No file of this photo is there since 2026-01-02" in ran.out
    assert "1 face: Bob." in ran.out


def test_a_face_of_a_missing_photo_keeps_its_decision(reading, run) -> None:
    (number,) = reading.sql(
        "SELECT f.id FROM faces f JOIN photos p ON p.id = f.photo_id WHERE p.live = 0"
    )[0]
    why = sentences(run, f"face-{number}")
    assert f"face-{number} is Bob: you said so (decision 3" in why
    assert "No file of its photo is there now" in why


def test_a_photo_without_a_face_says_so(reading, run) -> None:
    assert sentences(run, "nobody.jpg") == "No face was found in it."


def test_a_file_that_could_not_be_read_says_why(reading, run) -> None:
    ran = run("show", "broken.jpg")
    assert ran.code == 0
    assert "It could not be read: it ends early." in ran.out
    assert run("show", "broken.jpg", "--json").json["reason"] == "truncated"


def test_an_unknown_word_suggests_the_people_it_is_like(reading, run) -> None:
    ran = run("show", "alicia")
    assert (ran.code, ran.out) == (2, "")
    assert "Did you mean Alice?" in ran.err


@pytest.mark.parametrize("word", ["face-999", "cluster-999", "no/such.jpg", "face-" + "9" * 40, ""])
def test_an_unknown_target_is_an_error_of_one_line(reading, run, word: str) -> None:
    ran = run("show", word)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("phototag: There is no ")
    assert len(ran.err.splitlines()) == 1


def test_a_name_that_two_photos_share_is_ambiguous(home, run) -> None:
    home.sql("UPDATE paths SET name = 'same.jpg' WHERE name IN ('alice3.jpg', 'dim.jpg')")
    ran = run("show", "same.jpg")
    assert ran.code == 2
    assert "2 photos are called 'same.jpg'" in ran.err
    assert "Give more of the path" in ran.err
    assert run("show", "2020/same.jpg").code == 0


def test_faces_that_a_cut_off_scan_left_say_what_they_wait_for(home, run) -> None:
    number = int(home.face("lone.jpg").removeprefix("face-"))
    home.sql("DELETE FROM assignments WHERE face_id = ?", number)
    assert "was not compared yet: a scan was cut off. Run phototag scan." in sentences(
        run, f"face-{number}"
    )
    home.sql("DELETE FROM embeddings WHERE face_id = ?", number)
    assert "was not seen by the model in use yet. Run phototag scan." in sentences(
        run, f"face-{number}"
    )


def test_names_that_are_not_utf8_are_understood_and_shown(reading, run) -> None:
    name = os.fsdecode(b"2021/caf\xe9.jpg")
    photo = run("show", name, "--json").json
    assert [f["who"] for f in photo["faces"]] == ["Alice", "Bob"]
    assert os.path.exists(photo["paths"][0])
    assert "caf?.jpg" in run("show", reading.photo(name)).out


def test_names_in_any_script_are_understood(reading, run) -> None:
    assert run("show", "山田 太郎").lines[0].startswith("山田 太郎: 1 face in 1 photo,")
    assert run("show", "家族.jpg").code == 0
