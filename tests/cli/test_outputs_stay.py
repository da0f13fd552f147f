"""Where sidecars go is chosen once: later commands keep to it until another place is chosen."""

from __future__ import annotations


def beside(home) -> int:
    return len(list(home.photos.rglob("*.phototag.json")))


def in_library(home) -> int:
    return len(list((home.library / "sidecars").rglob("*.phototag.json")))


def test_a_decision_leaves_sidecars_where_the_scan_put_them(home, run) -> None:
    count = beside(home)
    assert run("scan", home.photos, "--sidecars", "library", "--quiet").code == 0
    assert (beside(home), in_library(home)) == (0, count)
    assert run("label", "lone.jpg#1", "Zoe").code == 0
    assert run("sheet").code == 0
    assert run("scan", home.photos, "--quiet").code == 0
    assert (beside(home), in_library(home)) == (0, count)
    assert run("scan", home.photos, "--sidecars", "beside", "--quiet").code == 0
    assert (beside(home), in_library(home)) == (count, 0)


def test_thumbnails_that_nobody_wants_stay_away(home, run) -> None:
    assert run("scan", home.photos, "--thumbnails", "none", "--quiet").code == 0
    assert run("label", "lone.jpg#1", "Zoe").code == 0
    assert list((home.library / "thumbnails").rglob("*.webp")) == []


def test_the_settings_file_overrides_what_was_chosen_before(home, run) -> None:
    count = beside(home)
    assert run("scan", home.photos, "--sidecars", "none", "--quiet").code == 0
    assert beside(home) == 0
    toml = home.library / "phototag.toml"
    toml.write_text(toml.read_text() + 'sidecars = "beside"\n')
    assert run("sheet").code == 0
    assert beside(home) == count


def test_a_dry_run_chooses_nothing(home, run) -> None:
    count = beside(home)
    assert run("scan", home.photos, "--sidecars", "none", "--dry-run").code == 0
    assert run("label", "lone.jpg#1", "Zoe").code == 0
    assert beside(home) == count
