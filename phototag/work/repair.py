"""What `doctor --repair` does: only what loses nothing. What follows from photos and decisions is
made anew; what belongs to nobody is removed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from phototag.catalog import checks, mirror, store
from phototag.catalog import faces as table
from phototag.catalog import photos as photo_table
from phototag.catalog.arrays import forget_arrays
from phototag.catalog.store import CATALOG, JOURNAL, Library
from phototag.catalog.tracks import film_of, tracks_of
from phototag.core.types import Film
from phototag.errors import UnreadableImage
from phototag.output import atomic
from phototag.settings import Settings
from phototag.vision.models import ModelCard
from phototag.work import check_pictures
from phototag.work.crops import THUMB
from phototag.work.group import regroup
from phototag.work.models import thresholds_of
from phototag.work.pictures import crop_path, thumb_path
from phototag.work.publish import Publisher
from phototag.work.verdicts import catch_up, replay_all

IN_THE_CATALOGUE = frozenset({"reindex", "journal", "replay", "regroup"})
"""Remedies that change the catalogue: it is copied before."""


@dataclass(slots=True)
class Repair:
    """A repair of one library, step by step."""

    lib: Library
    settings: Settings
    card: ModelCard
    now: str
    """ISO 8601."""
    default_library: bool = True
    done: list[str] = field(default_factory=list)
    """What was done, in sentences."""

    def run(self, remedies: set[str]) -> list[str]:
        """Do what the checks asked for, in the order in which one step builds on the other."""
        if remedies & IN_THE_CATALOGUE:
            self._back_up()
        steps: dict[str, Callable[[], None]] = {
            "reindex": self._reindex,
            "journal": self._journal,
            "replay": self._replay,
            "regroup": self._regroup,
            "sweep": self._sweep,
            "orphans": self._orphans,
            "pictures": self._pictures,
            "publish": self._publish,
        }
        for name, step in steps.items():
            if name in remedies:
                step()
        if remedies:
            self._write_outputs()
        return self.done

    def _back_up(self) -> None:
        """A compact copy; where the catalogue is too damaged for that, one byte for byte."""
        stamp = self.now[:19].replace(":", "").replace("-", "")
        target = self.lib.folder / "backups" / f"before-repair-{stamp}.sqlite"
        atomic.make_folder(target.parent)
        if not store.save_copy(self.lib, target):
            atomic.write(target, (self.lib.folder / CATALOG).read_bytes())
        self.done.append(f"The catalogue was copied to {target}.")

    def _reindex(self) -> None:
        store.reindex(self.lib)
        self.done.append("The indexes of the catalogue were made anew.")

    def _journal(self) -> None:
        """Decisions that only the file had were taken in when the library was opened."""
        with self.lib.transaction():
            regroup(self.lib, self.card.id, thresholds_of(self.card), catch_up(self.lib))
        if not mirror.compare(self.lib).is_same:
            kept = mirror.rewrite(self.lib)
            more = f"; the former one is {kept.name}" if kept is not None else ""
            self.done.append(f"{JOURNAL} was written anew from the catalogue{more}.")

    def _replay(self) -> None:
        with self.lib.transaction():
            change = replay_all(self.lib)
            regroup(self.lib, self.card.id, thresholds_of(self.card), change)
        count = len(change.faces)
        self.done.append(f"The journal was replayed: {count:,} faces follow it again.")

    def _regroup(self) -> None:
        with self.lib.transaction():
            forget_arrays(self.lib)
            checks.mend_clusters(self.lib)
            levels = thresholds_of(self.card)
            found = regroup(self.lib, self.card.id, levels, everything=True)
        self.done.append(f"All faces were grouped anew: {len(found.changed):,} changed.")

    def _sweep(self) -> None:
        count = 0
        for folder in {Path(path).parent for path in check_pictures.leftovers(self.lib)}:
            count += atomic.sweep(folder)
        self.done.append(f"{count:,} half-written files were removed.")

    def _orphans(self) -> None:
        orphans = check_pictures.pictures(self.lib).orphans
        for path in orphans:
            Path(path).unlink(missing_ok=True)
        self.done.append(f"{len(orphans):,} pictures that belonged to nobody were removed.")

    def _pictures(self) -> None:
        keys = check_pictures.pictures(self.lib).lacking
        made = sum(self._cut_again(key) for key in keys)
        self.done.append(f"The pictures of {made:,} photos were cut again.")
        if made < len(keys):
            left = len(keys) - made
            self.done.append(f"Those of {left:,} others were not: their files have changed.")

    def _cut_again(self, key: str) -> bool:
        """Make a photo's thumbnail and crops from its file, if it is still that photo."""
        from phototag.images.read import as_webp, photo_key, read
        from phototag.images.thumbs import face_crop

        photo = photo_table.photo_with_key(self.lib, key)
        assert photo is not None
        film = film_of(self.lib, photo)
        if film is not None:
            return self._cut_video(photo, key, film)
        for place in photo_table.paths_of(self.lib, photo):
            try:
                data = Path(place.path).read_bytes()
                if photo_key(data) != key:
                    continue
                pixels = read(data, place.path, longest=self.settings.size).pixels
            except (OSError, UnreadableImage):
                continue
            self._keep(thumb_path(key), as_webp(pixels, THUMB))
            for face in table.faces_of(self.lib, photo):
                self._keep(crop_path(key, face.id), face_crop(pixels, face.box))
            photo_table.unpublish(self.lib, [photo])
            return True
        return False

    def _cut_video(self, photo: int, key: str, film: Film) -> bool:
        """The same for a video: its strip and crops."""
        from phototag.images.video import video_key
        from phototag.work.crops import signature
        from phototag.work.video import cut_again

        for place in photo_table.paths_of(self.lib, photo):
            try:
                if video_key(place.path, signature(place.path)[0]) != key:
                    continue
                strip, crops = cut_again(place.path, film, tracks_of(self.lib, photo))
            except (OSError, UnreadableImage):
                continue
            self._keep(thumb_path(key), strip)
            for face, crop in crops.items():
                self._keep(crop_path(key, face), crop)
            photo_table.unpublish(self.lib, [photo])
            return True
        return False

    def _keep(self, path: str, data: bytes) -> None:
        target = self.lib.folder / path
        atomic.make_folder(target.parent)
        atomic.write_if_changed(target, data)

    def _publish(self) -> None:
        lost = {photo for photo, _ in check_pictures.lacking_outputs(self.lib)}
        photo_table.unpublish(self.lib, sorted(lost))

    def _write_outputs(self) -> None:
        report = Publisher(
            self.lib, self.settings, self.card.id, default_library=self.default_library
        ).run()
        if report.sidecars or report.thumbnails:
            self.done.append(
                f"{report.sidecars:,} sidecars and {report.thumbnails:,} thumbnails were written."
            )
