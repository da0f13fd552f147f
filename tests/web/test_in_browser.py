"""The page in a real browser, as a user meets it: the sample gallery, named by keyboard.

Needs Playwright for Python and a Chromium of the system.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import asked, face_asked, told
from builders import Home, copied_home
from gallery import GALLERY, chosen, unscanned_gallery, who
from visitor import Visitor, served

from phototag.catalog import store
from phototag.web import desk as desks

PEOPLE = 8


@pytest.fixture(scope="module")
def scanned(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The gallery as a new user scans it: from the page."""
    home = unscanned_gallery(tmp_path_factory.mktemp("gallery"))
    with served(home) as visitor:
        page = chromium.new_page()
        page.goto(visitor.url)
        page.wait_for_function("() => !location.search.includes('token')")
        page.goto(f"{page.url.rpartition('/')[0]}/scan")
        page.get_by_label("Another folder").fill(str(home.photos))
        page.get_by_label("Another folder").press("Enter")
        page.locator("#job-title").filter(has_text="Scanned").wait_for(timeout=120_000)
        page.locator("#to-review").click()
        asked(page)
        page.close()
    return home


@pytest.fixture
def gallery(scanned: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitor]:
    """The scanned gallery, served: nobody has a name yet."""
    monkeypatch.setattr(desks, "QUIET", 0.2)
    with served(copied_home(scanned, tmp_path)) as visitor:
        yield visitor


def sidecars(home: Home) -> dict[int, str | None]:
    """face → person, by the sidecars alone."""
    found = {}
    for path in home.photos.rglob("*.phototag.json"):
        for face in json.loads(path.read_text(encoding="utf-8"))["faces"]:
            found[int(face["id"].partition("-")[2])] = face["person"]
    return found


# -- the whole path of a new user ------------------------------------------------------------------


def test_everybody_is_named_by_keyboard_and_the_sidecars_say_so(
    gallery: Visitor, tab: Callable[..., Any]
) -> None:
    home, page = gallery.home, tab(gallery)
    page.wait_for_url("**/review")
    known: set[str] = set()
    target = asked(page)
    while target:
        person = who(home, face_asked(page))
        likely = page.locator(".choices .likely bdi").all_inner_texts()
        if likely == [person]:
            page.keyboard.press("Enter")
        elif person in known:
            page.keyboard.press("n")
            page.keyboard.type(person[:3].lower())
            page.wait_for_function(
                "name => document.querySelector('.name-it .who').value === name", arg=person
            )
            page.keyboard.press("Enter")
        else:
            page.keyboard.press("n" if likely else "Enter")
            page.keyboard.type(person)
            page.keyboard.press("Enter")
        known.add(person)
        target = asked(page, target)
    told(page, " now ")
    assert len(known) == PEOPLE
    assert page.locator("#done h2").inner_text() == "All answered"

    page.keyboard.press("u")
    told(page, "Undone: label")
    face = face_asked(page)
    page.keyboard.press("n")
    page.keyboard.type(who(home, face))
    page.keyboard.press("Enter")
    page.wait_for_selector("#done:not([hidden])")
    told(page, f"now {who(home, face)}")

    page.goto(page.url.replace("/review", "/people"))
    page.locator(".person").first.click()
    person = page.locator("h1").inner_text()
    box = page.get_by_label("Choose face-").first
    apart = int(box.get_attribute("value").partition("-")[2])
    box.check(force=True)
    page.get_by_label("Move to").fill("Somebody else")
    page.get_by_label("Move to").press("Enter")
    told(page, f"not {person} but Somebody else")

    wanted = {f: who(home, f) for (f,) in home.sql("SELECT id FROM faces")} | {
        apart: "Somebody else"
    }
    end = time.monotonic() + 15
    while sidecars(home) != wanted and time.monotonic() < end:
        time.sleep(0.1)
    assert sidecars(home) == wanted


# -- review ----------------------------------------------------------------------------------------


def test_keys_skip_look_refuse_and_take_back(gallery: Visitor, tab: Callable[..., Any]) -> None:
    home, page = gallery.home, tab(gallery)
    first = asked(page)
    page.keyboard.press("s")
    second = asked(page, first)
    page.keyboard.press("p")
    page.wait_for_selector("#viewer[open] .box")
    page.keyboard.press("p")
    page.wait_for_selector("#viewer:not([open])", state="attached")
    page.keyboard.press("f")
    third = asked(page, second)
    told(page, "no face")
    page.keyboard.press("i")
    asked(page, third)
    told(page, "ignored")
    for target in (third, second, first):
        page.keyboard.press("u")
        page.wait_for_function(
            "target => document.getElementById('question').dataset.target === target", arg=target
        )
    told(page, "Undone")
    told(page, "not a face")
    assert home.sql("SELECT COUNT(*) FROM verdicts") == [(0,)]


def test_while_another_writes_the_answer_waits_and_the_user_goes_on(
    gallery: Visitor, tab: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "PATIENCE", 0.1)
    home, page = gallery.home, tab(gallery, expect="423")
    first = asked(page)
    with store.open_to_write(home.library, "phototag scan /archive", "2026-01-02"):
        page.keyboard.press("i")
        assert asked(page, first) != first, "the next question is there"
        told(page, "Waiting: ")
        told(page, "phototag scan /archive")
        assert home.sql("SELECT COUNT(*) FROM decisions") == [(0,)]
    told(page, "ignored from now on")
    assert home.sql("SELECT kind FROM decisions") == [("ignore",)]


def test_somebody_twice_in_a_photo_is_asked_about_again_and_may_be_insisted_on(
    gallery: Visitor, tab: Callable[..., Any]
) -> None:
    page = tab(gallery, expect="409")
    first = asked(page)
    page.keyboard.press("n")
    page.keyboard.type("Both")
    page.keyboard.press("Enter")
    second = asked(page, first)
    told(page, "now Both")
    page.keyboard.press("n")
    page.keyboard.type("Both")
    page.keyboard.press("Enter")
    told(page, "Is it a mirror or a collage?")
    assert asked(page) == second, "it stands there again, and nothing was written"
    page.locator("#told .undo").click()
    told(page, "now Both")
    assert asked(page, second) != second


# -- the other pages -------------------------------------------------------------------------------


def test_a_missed_face_is_drawn_with_the_mouse_or_the_keys(
    gallery: Visitor, tab: Callable[..., Any]
) -> None:
    home = gallery.home
    number, x, y, w, h = home.sql("SELECT photo_id, x, y, width, height FROM faces LIMIT 1")[0]
    face = home.sql("SELECT id FROM faces LIMIT 1")[0][0]
    home.sql("DELETE FROM faces WHERE id = ?", face)
    page = tab(gallery)
    page.goto(f"{page.url.rpartition('/')[0]}/photos/{number}")
    page.get_by_role("button", name="Draw a face").click()
    frame = page.locator(".photo-stage .frame").bounding_box()
    corners = [(x, y), (x + w, y + h)]
    (left, top), (right, bottom) = (
        (frame["x"] + a * frame["width"], frame["y"] + b * frame["height"]) for a, b in corners
    )
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(right, bottom, steps=4)
    page.mouse.up()
    page.keyboard.type("Oldwin")
    page.keyboard.press("Enter")
    told(page, "it is Oldwin")
    drawn = home.sql("SELECT x, y, width, height FROM faces ORDER BY id DESC LIMIT 1")[0]
    assert drawn == pytest.approx((x, y, w, h), abs=0.01)
    with page.expect_navigation():  # what an undo changed is shown anew
        page.locator("#told .undo").click()
    told(page, "Undone: draw")
    page.get_by_role("button", name="Draw a face").click()
    before = page.locator(".drawing").bounding_box()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    after = page.locator(".drawing").bounding_box()
    assert after["x"] > before["x"]
    assert after["height"] > before["height"]


def test_a_picture_is_identified_and_two_are_compared(
    gallery: Visitor, tab: Callable[..., Any]
) -> None:
    home, page = gallery.home, tab(gallery)
    faces = [face for (face,) in home.sql("SELECT id FROM faces")]
    person = "Minsue"
    targets = [f"face-{face}" for face in faces if who(home, face) == person]
    assert gallery.enter().post("/do/label", {"targets": targets, "name": person}).code == 200
    alone = GALLERY / next(n for n in chosen() if n.endswith("103 (everyone).jpg"))
    base = page.url.rpartition("/")[0]
    page.goto(f"{base}/identify")
    page.locator(".drop input").first.set_input_files(alone)
    page.wait_for_selector(".found-faces .who-row")
    rows = page.locator(".found-faces .who-name").all_inner_texts()
    assert len(rows) == 4
    assert sum(person in row for row in rows) == 1
    strangers = [at for at, row in enumerate(rows, 1) if "Not recognised" in row]
    assert len(strangers) >= 2
    page.get_by_label(f"Register face {strangers[0]} as").fill("Newcomer")
    page.keyboard.press("Enter")
    told(page, "1 face enrolled as Newcomer")
    page.locator(".who-name a", has_text="Newcomer").wait_for()
    page.locator("#told .undo").click()
    told(page, "Undone: enroll")
    page.locator(".who-name a", has_text="Newcomer").wait_for(state="detached")
    page.get_by_role("button", name="Compare two").click()
    page.locator(".drop input").nth(1).set_input_files(alone)
    page.wait_for_selector(".verdict.same")
    assert "1.00 alike" in page.locator(".verdict").inner_text()
    page.get_by_label("Compare face 1").first.click()
    page.wait_for_selector(".verdict.different, .verdict.same")


def test_a_scan_from_the_page_shows_what_it_does(gallery: Visitor, tab: Callable[..., Any]) -> None:
    home, page = gallery.home, tab(gallery)
    more = [p for p in sorted(GALLERY.glob("2022/**/*.jpg")) if p.is_file()][:1]
    for path in more:
        shutil.copy(path, home.photos / path.name)
    page.goto(page.url.rpartition("/")[0] + "/scan")
    page.get_by_role("button", name="Scan /").click()
    title = page.locator("#job-title")
    title.filter(has_text="Scanned").wait_for()
    assert "1 new photo, " in page.locator("#job-text").inner_text()
    photos = str(len(chosen()) + len(more))
    page.locator(".facts dd").first.filter(has_text=photos).wait_for()
