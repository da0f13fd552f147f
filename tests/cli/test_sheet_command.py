"""`phototag sheet`: what is not up to date is written, and shown on request."""

from __future__ import annotations

from pathlib import Path

import typer


def test_sheet_says_where_the_page_is_and_writes_what_is_missing(home, run) -> None:
    sidecar = home.photos / "bob.jpg.phototag.json"
    content = sidecar.read_bytes()
    sidecar.unlink()
    ran = run("sheet")
    assert ran.code == 0
    assert ran.out == f"{home.library / 'sheet' / 'index.html'}\n"
    assert ran.err.startswith("1 sidecars and 0 thumbnails written.")
    assert sidecar.read_bytes() == content


def test_sheet_writes_nothing_that_is_up_to_date(home, run) -> None:
    assert run("sheet", "--json").json["sidecars"] == 0


def test_open_shows_the_page_in_the_browser(home, run, monkeypatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(typer, "launch", lambda url: shown.append(url) or 0)
    run("sheet")
    assert shown == []
    run("sheet", "--open")
    (url,) = shown
    assert url == (home.library / "sheet" / "index.html").as_uri()
    assert Path(home.library / "sheet" / "index.html").is_file()


def test_a_sidecar_that_is_not_ours_stays(home, run) -> None:
    sidecar = home.photos / "bob.jpg.phototag.json"
    sidecar.write_text('{"mine": true}\n')
    assert run("sheet").code == 0
    assert sidecar.read_text() == '{"mine": true}\n'
