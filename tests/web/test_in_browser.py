"""The page in a real browser, as a user meets it: the sample gallery, named by keyboard.

Needs Playwright for Python and a Chromium of the system; the check of accessibility needs axe-core,
whose `axe.min.js` the environment variable PHOTOTAG_AXE names.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import Home, copied_home
from gallery import GALLERY, chosen, unscanned_gallery, who
from visitor import Visitor, served

from phototag.catalog import store
from phototag.web import desk as desks

playwright = pytest.importorskip(
    "playwright.sync_api", reason="Playwright for Python is not installed"
)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
AXE = os.environ.get("PHOTOTAG_AXE", "")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PEOPLE = 8

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


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


@pytest.fixture
def tab(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens a library in a new tab; the test fails if a script fails, the console complains, or
    anything is asked of another place."""
    contexts: list[Any] = []
    problems: list[str] = []

    def opened(visitor: Visitor, expect: str = "", **values: Any) -> Any:
        contexts.append(
            chromium.new_context(**{"viewport": {"width": 1280, "height": 900}} | values)
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda said: (expect and expect in said.text) or problems.append(said.text),
        )
        ours = (f"http://{visitor.address}/", "blob:", "data:")
        page.on("request", lambda asked: asked.url.startswith(ours) or problems.append(asked.url))
        page.goto(visitor.url)
        page.wait_for_function("() => !location.search.includes('token')")
        page.wait_for_load_state()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


def asked(page: Any, after: str = "") -> str:
    """The target of the question that stands there, once it is another than `after`."""
    page.wait_for_function(
        "after => { const node = document.getElementById('question');"
        " return !document.getElementById('done').hidden"
        " || (!node.hidden && node.dataset.target !== after) }",
        arg=after,
    )
    return page.get_attribute("#question", "data-target") if page.is_visible("#question") else ""


def face_asked(page: Any) -> int:
    return int(page.get_attribute("#lead", "src").split("/")[3])


def told(page: Any, text: str) -> None:
    page.wait_for_function(
        "text => document.querySelector('#told p').textContent.includes(text)", arg=text
    )


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


def decided(home: Home) -> list[tuple[str, str | None, int]]:
    """(kind, person, faces) of every line of the journal; of an undo, None and the decision."""
    lines = (home.library / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    words = [(each["kind"], each["payload"]) for each in map(json.loads, lines)]
    return [
        (kind, said.get("person"), said.get("decision") or len(said["faces"]))
        for kind, said in words
    ]


def go_to(page: Any, target: str) -> None:
    """Skip to a question."""
    there = asked(page)
    while there != target:
        page.keyboard.press("s")
        there = asked(page, there)


def test_every_key_of_review_is_one_decision_and_u_takes_it_back(
    owner: Visitor, tab: Callable[..., Any]
) -> None:
    home = owner.home
    for number, name in enumerate(("2021/dim.jpg", "s2.jpg", "o2.jpg", "statue.jpg", "lone.jpg")):
        words = {"targets": [home.face(name)], "name": f"Person {number}"}
        assert owner.post("/do/label", words).code == 200
    (doubtful,) = home.sql(
        "SELECT face_id, suggestion_id FROM assignments WHERE suggestion_id IS NOT NULL"
        " AND cluster_id IS NULL ORDER BY suggestion_score DESC LIMIT 1"
    )
    target = f"face-{doubtful[0]}"
    ((likely,),) = home.sql("SELECT name FROM people WHERE id = ?", doubtful[1])
    page = tab(owner)
    page.goto(page.url.rpartition("/")[0] + "/review")
    before = home.sql("SELECT * FROM assignments ORDER BY face_id")
    go_to(page, target)
    names = page.locator(".choices bdi").all_inner_texts()
    keys = page.locator(".choices kbd:first-child").all_inner_texts()
    assert keys == list("123456789")
    assert names[0] == likely

    def n_with_three_letters() -> None:
        page.keyboard.press("n")
        page.keyboard.type("car")
        page.wait_for_function("() => document.activeElement.value === 'Carol'")
        page.keyboard.press("Enter")

    said = len(decided(home))
    for press, kind, person in (
        (lambda: page.keyboard.press("Enter"), "label", likely),
        (lambda: page.keyboard.press("1"), "label", names[0]),
        (lambda: page.keyboard.press("2"), "label", names[1]),
        (lambda: page.keyboard.press("9"), "label", names[8]),
        (n_with_three_letters, "label", "Carol"),
        (lambda: page.keyboard.press("r"), "reject", likely),
        (lambda: page.keyboard.press("i"), "ignore", None),
        (lambda: page.keyboard.press("f"), "not_a_face", None),
    ):
        press()
        assert asked(page, target) != target, "the next question is there"
        told(page, "1 face is ")
        assert decided(home)[said:] == [(kind, person, 1)]
        assert home.sql("SELECT * FROM assignments ORDER BY face_id") != before
        page.keyboard.press("u")
        told(page, "Undone: ")
        page.wait_for_function(
            "target => document.getElementById('question').dataset.target === target", arg=target
        )
        decision = home.sql("SELECT MAX(id) FROM decisions")[0][0] - 1
        assert decided(home)[said:] == [(kind, person, 1), ("undo", None, decision)]
        assert home.sql("SELECT * FROM assignments ORDER BY face_id") == before
        said += 2

    page.keyboard.press("s")
    assert asked(page, target) != target
    page.keyboard.press("u")
    page.wait_for_function(
        "target => document.getElementById('question').dataset.target === target", arg=target
    )
    for key in ("0", "x"):
        page.keyboard.press(key)
    assert asked(page) == target, "keys without a meaning do nothing"
    assert len(decided(home)) == said, "and skipping is no decision"


def test_a_doubtful_name_is_confirmed_taken_back_or_given_to_another(
    owner: Visitor, tab: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phototag.work.review.PAUSE", 0)
    home = owner.home
    target = home.face("bob.jpg")
    assert owner.post("/do/label", {"targets": [target], "name": "Alice"}).code == 200
    page = tab(owner)
    page.goto(page.url.rpartition("/")[0] + "/review")
    go_to(page, target)
    assert page.locator("#asked").inner_text() == "Is this really Alice?"
    yes = page.get_by_role("button", name="Yes, Alice")
    for press, kind, person in (
        (yes.click, "reject", "Bob"),
        (lambda: page.keyboard.press("Enter"), "reject", "Bob"),
        (lambda: page.keyboard.press("r"), "reject", "Alice"),
        (lambda: page.keyboard.press("1"), "split", "Alice"),
    ):
        press()
        told(page, "1 face is not ")
        assert decided(home)[-1] == (kind, person, 1)
        page.keyboard.press("u")
        told(page, "Undone: ")
        page.wait_for_function(
            "target => document.getElementById('question').dataset.target === target", arg=target
        )


def test_a_field_completes_names_in_sight_and_takes_what_it_shows(
    owner: Visitor, tab: Callable[..., Any]
) -> None:
    page = tab(owner)
    page.goto(page.url.rpartition("/")[0] + "/clusters")
    field = page.get_by_label("Name for cluster-").first
    field.press_sequentially("ali")
    page.wait_for_function("() => document.activeElement.value === 'Alice'")
    assert field.evaluate("node => node.selectionStart") == 3, "what was completed is marked"
    field.press("Backspace")
    assert field.input_value() == "Ali", "and one key takes it away"
    field.press("ArrowDown")
    assert field.input_value() == "Alice"
    field.press("Escape")
    assert field.input_value() == "Ali"


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


def test_names_that_wait_are_looked_at_kept_or_accepted(
    waiting: Visitor, tab: Callable[..., Any]
) -> None:
    home, page = waiting.home, tab(waiting)
    page.goto(page.url.rpartition("/")[0] + "/people")
    page.get_by_role("link", name="Look at them").click()
    section = page.locator("section", has_text="No longer Bob")
    face = section.locator(".choose input").first
    number = face.get_attribute("value").partition("-")[2]
    face.check(force=True)
    with page.expect_navigation():
        section.get_by_role("button", name="It is Bob").click()
    told(page, "1 face is now Bob")
    assert page.locator(f"input[value=face-{number}]").count() == 0
    page.get_by_role("button", name="Accept these changes").click()
    page.wait_for_url("**/scan")
    page.locator("#job-title").filter(has_text="Scanned").wait_for()
    page.locator("#waits .notice").wait_for(state="detached")
    states = home.sql("SELECT state FROM assignments WHERE face_id = ?", number)
    assert states == [("manual",)]
    assert home.sql("SELECT value FROM meta WHERE key = 'held'") == [("",)]


def test_no_name_of_a_person_or_file_is_ever_run(owner: Visitor, tab: Callable[..., Any]) -> None:
    evil = "\"><img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    home = owner.home
    owner.post("/do/rename", {"name": "Alice", "into": evil[:200]})
    home.sql(
        "UPDATE paths SET name = ? WHERE name = 'alice-bob.jpg'", f"{evil.replace('/', '')}.jpg"
    )
    number = home.sql("SELECT photo_id FROM paths WHERE name LIKE '%onerror%'")[0][0]
    page = tab(owner)
    base = page.url.rpartition("/")[0]
    for path in ("review", f"photos/{number}", "photos", "log"):
        page.goto(f"{base}/{path}")
        page.wait_for_timeout(100)
        assert page.title() != "run", path
    page.goto(f"{base}/people")
    page.locator("#search").press_sequentially('"')
    page.wait_for_selector("#search[aria-expanded=true]")
    assert page.title() != "run"


# -- for everybody ---------------------------------------------------------------------------------

PAGES = [
    "review",
    "people",
    "people/1",
    "people/1?show=maybe",
    "clusters",
    "photos",
    "photos/2",
    "identify",
    "scan",
    "log",
    "changes",
    "people/999",
]


@pytest.mark.skipif(not Path(AXE).is_file(), reason="PHOTOTAG_AXE names no axe.min.js")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(
    waiting: Visitor, tab: Callable[..., Any], scheme: str, width: int
) -> None:
    page = tab(
        waiting,
        expect="404",
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        bypass_csp=True,
    )
    base = page.url.rpartition("/")[0]
    cluster = waiting.home.sql("SELECT MIN(cluster_id) FROM assignments")[0][0]
    found = []
    for path in [*PAGES, f"clusters/{cluster}"]:
        page.goto(f"{base}/{path}")
        page.wait_for_timeout(150)
        page.add_script_tag(path=AXE)
        if page.locator(".choose input").count():
            page.locator(".choose input").last.evaluate("node => node.click()")
        found += audit(page, path)
    page.goto(f"{base}/review")
    page.add_script_tag(path=AXE)
    asked(page)
    page.keyboard.press("n")
    page.keyboard.type("a")
    page.wait_for_selector(".name-it .options li")
    found += audit(page, "a name half typed")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("i")
    told(page, "ignored")
    page.wait_for_timeout(300)
    found += audit(page, "something was decided")
    page.keyboard.press("p")
    found += audit(page, "the photo of a question")
    assert found == []


def audit(page: Any, where: str) -> list[str]:
    result = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{where}: {rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in result["violations"]
        for node in rule["nodes"]
    ]


def test_no_page_scrolls_sideways(owner: Visitor, tab: Callable[..., Any]) -> None:
    long = "Wolfeschlegelsteinhausenbergerdorff " + "long" * 30
    owner.post("/do/rename", {"name": "Alice", "into": long})
    page = tab(owner, viewport={"width": 320, "height": 800})
    base = page.url.rpartition("/")[0]
    for path in ("review", "people/1", "clusters", "photos/2", "identify", "scan", "log"):
        page.goto(f"{base}/{path}")
        for width in (320, 700, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} at {width}"
