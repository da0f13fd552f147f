"""Who may talk to the page: strangers in the same browser, on the same machine, on the network."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from urllib.parse import quote

import pytest
from builders import Home
from visitor import Visitor, served

from phototag.cli import app
from phototag.web.guard import POLICY, Keys
from phototag.web.serve import Address

PAGES = ["/review", "/people", "/clusters", "/photos", "/photos/1", "/identify", "/scan", "/log"]
PRIVATE = [*PAGES, "/", "/names", "/pictures/face/1", "/pictures/photo/1/large", "/scan/events"]


def test_nothing_of_the_library_is_shown_without_the_key(door: Visitor) -> None:
    for path in PRIVATE:
        for said in ("", "phototag-1=guess", f"{Keys(1).cookie}=", "phototag-\x7f=;;=\\"):
            heard = door.get(path, cookie=said, accept="text/html")
            assert heard.code == 403, path
            assert "Alice" not in heard.text
    assert door.post("/do/undo").code == 403


def test_the_address_in_the_terminal_gives_a_cookie_for_our_own_pages_only(door: Visitor) -> None:
    heard = door.get(door.path)
    said = [part.strip() for part in heard.headers["set-cookie"].split(";")]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(said)
    assert said[0].startswith(f"phototag-{door.address.rpartition(':')[2]}="), "one for each port"
    token = door.path.partition("token=")[2]
    assert token not in heard.text, "the address that is opened next does not hold the key"
    assert token not in heard.headers["set-cookie"]
    assert door.get("/people", cookie=said[0]).code == 200
    assert door.get("/?token=" + token[:-1], accept="text/html").code == 403
    assert door.get("/?token=", accept="text/html").code == 403


def test_the_key_leads_nowhere_else(door: Visitor) -> None:
    """An address made by somebody else cannot send its reader to another site."""
    heard = door.get("//elsewhere.example/?" + door.path.partition("?")[2])
    assert 'content="0;url=/elsewhere.example/"' in heard.text


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "elsewhere.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "["]
)
def test_a_foreign_name_that_points_here_is_refused(guest: Visitor, host: str) -> None:
    """DNS rebinding: the page of a foreign name would be one origin with ours."""
    port = guest.address.rpartition(":")[2]
    for path in ("/people", "/static/0/web.css", guest.path):
        heard = guest.get(path, host=host.format(port=port) or "-")
        assert heard.code == 421
        assert "set-cookie" not in heard.headers


@pytest.mark.parametrize("host", ["localhost", "[::1]", "127.0.0.1", "127.8.9.1"])
def test_all_names_of_this_machine_are_ours(guest: Visitor, host: str) -> None:
    assert guest.get("/people", host=f"{host}:{guest.address.rpartition(':')[2]}").code == 200


@pytest.mark.parametrize(
    "origin",
    [None, "null", "http://elsewhere.example", "http://127.0.0.1:3000", "http://localhost"],
)
def test_no_other_page_can_make_a_decision(guest: Visitor, origin: str | None) -> None:
    """Not even one on another port of this machine, to which the browser sends our cookie."""
    for path in ("/do/ignore", "/scan", "/scan/stop", "/review/next", "/login"):
        heard = guest.post(path, {"targets": ["face-1"]}, origin=origin)
        assert heard.code == 403, path


def test_no_other_page_can_read_or_embed_anything(guest: Visitor) -> None:
    assert guest.get("/names", origin="http://localhost:3000").code == 403
    for site in ("cross-site", "same-site"):
        said = {"sec_fetch_site": site, "sec_fetch_mode": "no-cors"}
        assert guest.get("/pictures/face/1", **said).code == 403
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert guest.get("/people", **link).code == 200, "a link that the user follows"


def test_every_answer_carries_the_policy(guest: Visitor) -> None:
    """Scripts and pictures from here alone, no frames, no guessing of types."""
    assert "unsafe" not in POLICY
    for path in [*PAGES, "/static/0/app.js", "/pictures/face/1", "/nothing", "/people/999999"]:
        headers = guest.look(path).headers
        assert headers["content-security-policy"] == POLICY, path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "max-age" in headers["cache-control"] or "no-" in headers["cache-control"]
    assert guest.look("/people").headers["cache-control"] == "no-store"
    for path in PAGES:
        text = guest.look(path).text
        assert "<script>" not in text, "no script in a page"
        assert " style=" not in text
        assert "http://" not in text, "nothing from elsewhere"
        assert "https://" not in text


def test_what_pages_load_is_kept_for_good_until_it_is_something_else(guest: Visitor) -> None:
    page = guest.look("/review").text
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        assert "immutable" in guest.get(path).headers["cache-control"], path
    other = guest.get("/static/0123456789abcdef/app.js")
    assert other.headers["cache-control"] == "no-cache", "asked for by a page of another version"
    assert guest.get("/static/app.js").code == 404


# -- paths -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/static/0/../serve.py",
        "/static/0/%2e%2e%2fserve.py",
        "/static/0/..%2f..%2f..%2fetc%2fpasswd",
        "/static//etc/passwd",
        "/pictures/photo/../../../etc/passwd",
        "/pictures/photo/-1",
        "/pictures/photo/99999999999999999999999",
        "/pictures/face/999999",
        "/photos/%2fetc%2fpasswd",
        "/photos/99999999999999999999999",
        "/people/99999999999999999999999",
        "/clusters/99999999999999999999999",
        "/catalog.sqlite",
        "/journal.jsonl",
    ],
)
def test_no_path_leads_to_a_file(guest: Visitor, path: str) -> None:
    assert guest.get(path).code == 404


def test_a_link_out_of_the_folders_leads_nowhere(owner: Visitor, tmp_path: Path) -> None:
    """A file of the library that became a link to a picture elsewhere is not followed."""
    home = owner.home
    secret = tmp_path / "elsewhere" / "secret.jpg"
    secret.parent.mkdir()
    os.rename(home.photo("bob.jpg"), secret)
    os.symlink(secret, home.photo("bob.jpg"))
    number = home.sql("SELECT photo_id FROM paths WHERE name = 'bob.jpg'")[0][0]
    small = owner.get(f"/pictures/photo/{number}").body
    assert owner.get(f"/pictures/photo/{number}/large").body == small, "what the library keeps"
    for picture in home.library.rglob("thumbs/*/*.webp"):
        picture.unlink()
    assert owner.get(f"/pictures/photo/{number}").code == 404


def test_targets_are_never_paths(owner: Visitor) -> None:
    before = owner.home.sql("SELECT COUNT(*) FROM decisions")
    words: list[object] = ["/etc/passwd", "bob.jpg#1", "Alice", "face-1 ", "face-0", 7, None]
    for word in words:
        heard = owner.post("/do/ignore", {"targets": [word]})
        assert heard.code == 422, word
    assert owner.ask("POST", "/do/ignore", b"no json").code == 422
    assert owner.ask("POST", "/do/ignore", b"[]").code == 422
    assert owner.post("/do/drop", {"targets": ["face-1"]}).code == 404
    assert owner.home.sql("SELECT COUNT(*) FROM decisions") == before


# -- foreign text ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_names_and_file_names_are_foreign_text(owner: Visitor, name: str) -> None:
    home = owner.home
    assert owner.post("/do/rename", {"name": "Alice", "into": name}).code == 200
    home.sql("UPDATE paths SET name = ? WHERE name = 'alice-bob.jpg'", f"{name}.jpg")
    number = home.sql("SELECT photo_id FROM paths WHERE name = ?", f"{name}.jpg")[0][0]
    alice = home.sql("SELECT id FROM people WHERE name = ?", name)[0][0]
    pages = ["/people", f"/people/{alice}", f"/photos/{number}", "/photos", "/log", "/scan"]
    for path in pages:
        text = owner.look(path).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
    assert (
        "&lt;script&gt;alert" in owner.look("/people").text
        or "&lt;img" in owner.look("/people").text
    )


def test_an_error_does_not_echo_as_html(guest: Visitor) -> None:
    heard = guest.look("/photos?year=" + quote("<script>alert(1)</script>"))
    assert heard.code == 404
    assert "<script>alert" not in heard.text


# -- other machines --------------------------------------------------------------------------------


def test_other_machines_are_let_in_by_password_only(home: Home, tmp_path: Path, capfd) -> None:
    def run(*words: object) -> tuple[int, str]:
        line = ["serve", "--library", home.library, "--port", 0, *words]
        code = app.run([str(word) for word in line])
        return code, capfd.readouterr().err

    code, said = run("--host", "0.0.0.0")
    assert code == 2
    assert "--password-file" in said
    secret = tmp_path / "secret"
    secret.write_text("correct horse\nbattery\n", encoding="utf-8")
    secret.chmod(0o644)
    code, said = run("--host", "0.0.0.0", "--password-file", secret)
    assert (code, "chmod 600" in said) == (2, True)
    secret.write_text("short\n", encoding="utf-8")
    secret.chmod(0o600)
    code, said = run("--host", "0.0.0.0", "--password-file", secret)
    assert (code, "too short" in said) == (2, True)
    code, said = run("--host", "0.0.0.0", "--password-file", tmp_path / "none")
    assert (code, "cannot be read" in said) == (2, True)


def test_the_password_opens_and_nothing_else_does(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phototag.web.guard.PAUSE", 0.02)
    with served(home, Address("0.0.0.0", 0), "correct horse") as visitor:
        assert "token" not in visitor.url
        port = visitor.address.rpartition(":")[2]
        visitor.url = f"http://127.0.0.1:{port}/"
        heard = visitor.look("/people")
        assert (heard.code, heard.headers["location"]) == (303, "/login")
        assert visitor.get("/people?token=None").code == 403
        assert visitor.get("/people?token=").code == 403
        assert visitor.look("/login").code == 200
        for wrong in (b"password=", b"password=correct+hors", b"", b"password=" + b"x" * 9999):
            heard = visitor.ask("POST", "/login", wrong)
            assert heard.code == 403
            assert "set-cookie" not in heard.headers
        heard = visitor.ask("POST", "/login", b"password=correct+horse")
        assert heard.code == 303
        visitor.cookie = heard.headers["set-cookie"].partition(";")[0]
        assert visitor.look("/people").code == 200
        own = f"{socket.gethostname().lower()}:{port}"
        assert visitor.get("/people", host=own).code == 200
        assert visitor.get("/people", host=f"elsewhere.example:{port}").code == 421
        heard = visitor.post("/scan", {"path": str(home.photos)})
        assert heard.code == 422, "others scan what is known, and add nothing"


def test_guesses_of_the_password_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("phototag.web.guard.time.sleep", waits.append)
    keys = Keys(1, password="correct horse")
    assert not keys.is_password("correct hors")
    assert keys.is_password("correct horse")
    assert waits[0] == 0
    assert 0.9 < waits[1] <= 1
