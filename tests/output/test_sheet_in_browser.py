"""The contact sheet in a real browser, opened as a user opens it: from a folder, by a file URL.

Needs Playwright for Python and a Chromium of the system; the check of accessibility needs axe-core,
whose `axe.min.js` the environment variable PHOTOTAG_AXE names.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sheet_album import AWKWARD, Album, awkward, family

from phototag.output.sheet import SheetContent, SheetMonth, write_sheet
from tests.axe import AXE, audit, needs_axe

playwright = pytest.importorskip(
    "playwright.sync_api", reason="Playwright for Python is not installed"
)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A tab that fails the test if a script fails, or anything is asked of a network."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: problems.append(message.text))
    tab.on(
        "request",
        lambda request: request.url.startswith(("file:", "data:")) or problems.append(request.url),
    )
    yield tab
    context.close()
    assert problems == []


def made(album: Album, **values: Any) -> str:
    """Paint and write an album; the sheet's address."""
    album.paint()
    for photo in album.photos:
        target = album.folder / "photos" / photo.name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(album.folder / f"thumbs/{photo.key}.webp", target)
    write_sheet(album.folder / "sheet", album.content(**values))
    return (album.folder / "sheet").as_uri()


@pytest.fixture
def home(tmp_path: Path) -> str:
    return made(family(tmp_path))


def focused(page: Any) -> str:
    found: str = page.evaluate("document.activeElement.getAttribute('href') || ''")
    return found


def copied(page: Any) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


# -- what a name can do ----------------------------------------------------------------------------


def test_our_script_runs_by_double_click_and_no_name_does(page: Any, tmp_path: Path) -> None:
    home = made(awkward(tmp_path))
    for path in sorted((tmp_path / "sheet").rglob("*.html")):
        page.goto(path.as_uri())
        assert page.title() != "run"
        assert page.locator("#search").is_visible(), "our own script ran"
        for link in page.locator("a[data-at]").all()[:2]:
            link.click()
            assert page.locator("#viewer").is_visible()
            page.keyboard.press("Escape")
        assert page.title() != "run"
    page.goto(f"{home}/index.html")
    shown = page.locator(".person .name").all_inner_texts()
    assert sorted(shown) == sorted(AWKWARD)


def test_a_script_that_got_into_a_page_would_not_run(page: Any, home: str, tmp_path: Path) -> None:
    """Should escaping ever fail, the policy still holds."""
    index = tmp_path / "sheet/index.html"
    text = index.read_text(encoding="utf-8")
    injected = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
    index.write_text(text.replace("</main>", injected + "</main>"), encoding="utf-8")
    context = page.context.browser.new_context()  # its console will complain, as it should
    tab = context.new_page()
    tab.goto(f"{home}/index.html")
    tab.wait_for_timeout(200)
    assert tab.title() == "Our people"
    context.close()


def test_names_written_from_right_to_left_keep_to_themselves(page: Any, tmp_path: Path) -> None:
    page.goto(made(awkward(tmp_path)) + "/index.html")
    card = page.locator(".person", has_text="محمد")
    assert card.locator("bdi").evaluate("node => getComputedStyle(node).unicodeBidi") == "isolate"
    assert card.locator(".meta").inner_text().startswith("1 photo")


# -- finding ---------------------------------------------------------------------------------------


def test_slash_searches_and_enter_goes_to_the_person(page: Any, home: str) -> None:
    page.goto(f"{home}/photos/2019.html")
    page.keyboard.press("/")
    page.keyboard.type("zoe")
    assert page.locator("#found li").all_inner_texts() == ["Zoë 1 photo"]
    assert page.locator("#search").get_attribute("aria-activedescendant") == "found-0"
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/person-3.html")
    assert page.locator("h1").inner_text() == "Zoë"


def test_search_takes_arrows_and_the_mouse_and_gives_up_on_escape(page: Any, home: str) -> None:
    page.goto(f"{home}/index.html")
    page.locator("#search").fill("cluster")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/clusters/cluster-9.html")
    page.locator("#search").fill("ali")
    page.locator("#found li").first.click()
    page.wait_for_url("**/people/person-1.html")
    page.locator("#search").fill("bob")
    page.keyboard.press("Escape")
    assert page.locator("#found").is_hidden()
    assert page.locator("#search").input_value() == ""


def test_a_search_for_nobody_says_so(page: Any, home: str) -> None:
    page.goto(f"{home}/index.html")
    page.locator("#search").fill("Quetzalcoatl")
    assert page.locator("#said").inner_text() == "Nobody found for “Quetzalcoatl”."


# -- naming ----------------------------------------------------------------------------------------


def test_the_button_copies_the_command_as_it_stands(page: Any, home: str) -> None:
    page.goto(f"{home}/index.html")
    page.get_by_role("button", name="Copy command for cluster-3").click()
    assert copied(page) == 'phototag label cluster-3 ""'
    assert page.locator("#said").inner_text() == 'Copied: phototag label cluster-3 ""'


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Alice", '"Alice"'),
        ("  Zoë van Dyk ", '"Zoë van Dyk"'),
        ("محمد", '"محمد"'),
        ("O'Brien", "'O'\\''Brien'"),
        ('"; rm -rf ~; "', "'\"; rm -rf ~; \"'"),
        ("$(touch x)`y`!z\\", "'$(touch x)`y`!z\\'"),
        ("$& $1", "'$& $1'"),
    ],
)
def test_a_typed_name_is_one_harmless_word_of_the_command(
    page: Any, home: str, name: str, word: str
) -> None:
    page.goto(f"{home}/clusters/cluster-3.html")
    page.get_by_label("Name for cluster-3").fill(name)
    assert page.locator(".naming code").inner_text() == f"phototag label cluster-3 {word}"
    page.keyboard.press("Enter")
    assert copied(page) == f"phototag label cluster-3 {word}"


def test_chosen_faces_go_into_the_command(page: Any, home: str) -> None:
    page.goto(f"{home}/clusters/cluster-3.html")
    bar = page.locator(".actions")
    assert bar.is_hidden()
    page.get_by_label("Choose face-50").check()
    page.get_by_label("Choose face-40").check()
    assert bar.locator(".chosen").inner_text() == "2 chosen"
    bar.get_by_role("button", name="Somebody else").click()
    assert copied(page) == "phototag split --faces face-50,face-40"
    bar.get_by_label("Name for “Name these”").fill("Eve")
    bar.get_by_role("button", name="Name these").click()
    assert copied(page) == 'phototag label face-50 face-40 "Eve"'
    bar.get_by_role("button", name="Choose none").click()
    assert bar.is_hidden()


def test_without_the_clipboard_the_old_way_of_copying_serves(page: Any, home: str) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto(f"{home}/index.html")
    page.get_by_role("button", name="Copy command for cluster-9").click()
    page.locator("#search").focus()
    page.keyboard.press("Control+V")
    assert page.locator("#search").input_value() == 'phototag label cluster-9 ""'


# -- looking at photos -----------------------------------------------------------------------------


def test_a_photo_opens_with_boxes_where_the_faces_are(page: Any, home: str) -> None:
    page.goto(f"{home}/photos/2019.html")
    page.locator('a[data-at="1"]').click()
    frame = page.locator(".frame").bounding_box()
    boxes = [box.bounding_box() for box in page.locator(".boxes .box").all()]
    assert [box.inner_text() for box in page.locator(".boxes .box").all()] == ["Alice", "Bob"]
    for box, left in zip(boxes, (0.1, 0.4), strict=True):
        assert (box["x"] - frame["x"]) / frame["width"] == pytest.approx(left, abs=0.005)
        assert (box["y"] - frame["y"]) / frame["height"] == pytest.approx(0.2, abs=0.005)
        assert box["width"] / frame["width"] == pytest.approx(0.2, abs=0.005)
        assert box["height"] / frame["height"] == pytest.approx(0.4, abs=0.005)
    assert page.locator("#viewer-title").inner_text() == "4 July 2019, 16:00"
    assert page.locator(".caption .file").inner_text() == "IMG_3.JPG"
    assert page.locator(".original").get_attribute("href").endswith("/photos/IMG_3.JPG")


def test_the_photo_itself_takes_the_place_of_its_thumbnail(page: Any, tmp_path: Path) -> None:
    home = made(family(tmp_path))
    page.goto(f"{home}/photos/2019.html")
    page.locator('a[data-at="0"]').click()
    page.wait_for_function("document.getElementById('viewer-photo').src.endsWith('IMG_2.JPG')")


def test_arrows_turn_the_photos_and_escape_goes_back_to_the_tile(page: Any, home: str) -> None:
    page.goto(f"{home}/photos/2019.html")
    page.locator('a[data-at="0"]').focus()
    page.keyboard.press("Enter")
    title = page.locator("#viewer-title")
    assert title.inner_text() == "4 July 2019, 15:20"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert title.inner_text() == "1 August 2019, 09:00"
    page.keyboard.press("ArrowRight")
    assert title.inner_text() == "4 July 2019, 15:20", "round and round"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("n")
    assert page.locator(".boxes").is_hidden()
    page.keyboard.press("Escape")
    page.locator("#viewer").wait_for(state="hidden")
    page.wait_for_function("document.activeElement.dataset.at === '2'")


def test_a_name_in_a_photo_leads_to_that_person(page: Any, home: str) -> None:
    page.goto(f"{home}/photos/2019.html")
    page.locator('a[data-at="1"]').click()
    page.locator(".caption .who a", has_text="Bob").click()
    page.wait_for_url("**/people/person-2.html")


def test_arrows_walk_through_the_people(page: Any, home: str) -> None:
    page.goto(f"{home}/index.html")
    page.locator(".person").first.focus()
    page.keyboard.press("ArrowRight")
    assert focused(page) == "people/person-2.html"
    page.keyboard.press("End")
    assert focused(page) == "people/person-3.html"
    page.keyboard.press("ArrowLeft")
    assert focused(page) == "people/person-2.html"
    page.keyboard.press("Home")
    assert focused(page) == "people/person-1.html"


def test_down_goes_to_the_picture_below(page: Any, tmp_path: Path) -> None:
    album = family(tmp_path)
    for at in range(40):
        album.add(f"more {at}.jpg", f"2019-07-{at % 28 + 1:02d}", "person-1")
    page.goto(made(album) + "/people/person-1.html")
    page.locator("button[data-view=faces]").click()
    first = page.locator(".tiles a").first
    first.focus()
    page.keyboard.press("ArrowDown")
    above, below = first.bounding_box(), page.locator("a:focus").bounding_box()
    assert below["y"] > above["y"] + 50
    assert below["x"] == pytest.approx(above["x"], abs=2)
    page.keyboard.press("ArrowUp")
    place = first.get_attribute("data-at")
    page.wait_for_function("at => document.activeElement.dataset.at === at", arg=place)


def test_a_person_is_shown_by_photos_or_by_faces(page: Any, home: str) -> None:
    page.goto(f"{home}/people/person-1.html")
    image = page.locator(".photos-view img").first
    assert "thumbs/" in image.get_attribute("src")
    page.get_by_role("button", name="Faces", exact=True).click()
    assert "faces/" in page.locator(".faces-view img").first.get_attribute("src")
    page.get_by_role("button", name="Photos", exact=True).click()
    assert "thumbs/" in page.locator(".photos-view img").first.get_attribute("src")


def test_without_scripts_everything_can_still_be_read(chromium: Any, home: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{home}/index.html")
    assert tab.get_by_text('phototag label cluster-3 ""').is_visible()
    assert tab.locator("input").count() > 0
    assert not any(field.is_visible() for field in tab.locator("input, button").all())
    tab.locator(".person").first.click()
    assert tab.locator("h1").inner_text() == "Alice"
    context.close()


# -- for everybody ---------------------------------------------------------------------------------

PAGES = [
    "index.html",
    "people/person-1.html",
    "people/person-2.html",
    "clusters/cluster-3.html",
    "photos/2019.html",
]


@needs_axe
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(chromium: Any, home: str, scheme: str, width: int) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    tab = context.new_page()
    found = []
    for path in PAGES:
        tab.goto(f"{home}/{path}")
        tab.add_script_tag(path=AXE)
        found += audit(tab, path)
        if tab.locator(".choose input").count():
            tab.locator(".choose input").last.check(force=True)
            found += audit(tab, f"{path}, a face chosen")
    tab.locator("a[data-at]").first.click()
    found += audit(tab, "a photo open")
    tab.keyboard.press("Escape")
    tab.keyboard.press("/")
    tab.keyboard.type("b")
    found += audit(tab, "searching")
    context.close()
    assert found == []


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("make", [family, awkward], ids=["family", "awkward names"])
def test_no_page_scrolls_sideways(chromium: Any, tmp_path: Path, make: Any, width: int) -> None:
    album = make(tmp_path)
    album.names = {id: name + " " + "long" * 12 for id, name in album.names.items()}
    home = made(replace_names(album))
    context = chromium.new_context(viewport={"width": width, "height": 800})
    tab = context.new_page()
    for path in sorted((tmp_path / "sheet").rglob("*.html")):
        tab.goto(path.as_uri())
        wide = tab.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, path.name
    assert home
    context.close()


def replace_names(album: Album) -> Album:
    album.photos = [
        replace(
            photo,
            marks=tuple(
                replace(mark, name=album.names.get(mark.target or "", mark.name))
                for mark in photo.marks
            ),
        )
        for photo in album.photos
    ]
    return album


@pytest.mark.slow
def test_twenty_thousand_photos_open_in_two_seconds(page: Any, tmp_path: Path) -> None:
    """The index of so many, and the largest page of photos.

    Counted is the processor time of the page's own thread: other work on the machine is no fault
    of the page.
    """
    album = family(tmp_path).paint()
    one = album.photos[0]
    months = [f"{year}-{month:02d}" for year in range(1985, 2025) for month in range(1, 13)]
    content: SheetContent = replace(
        album.content(),
        months=[SheetMonth(month, 41) for month in months],
        photos_in=lambda month: (
            replace(one, key=f"{at}", taken=f"{month}-01") for at in range(41)
        ),
    )
    write_sheet(tmp_path / "sheet", content)
    meter = page.context.new_cdp_session(page)
    meter.send("Performance.enable", {"timeDomain": "threadTicks"})
    for path, pictures in (("index.html", 40), ("photos/1985.html", 12 * 41)):
        page.goto((tmp_path / "sheet" / path).as_uri())
        assert page.locator("img").count() >= pictures
        counted = {m["name"]: m["value"] for m in meter.send("Performance.getMetrics")["metrics"]}
        assert 0 < counted["TaskDuration"] < 2.0
