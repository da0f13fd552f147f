"""The models that a command of the bench works with."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from phototag import settings as setup

if TYPE_CHECKING:
    from phototag.bench.pipeline import Detect, Embed
    from phototag.vision.models import ModelCard


class Tools:
    """The detector and embedder that a scan into this library would use, each made when it is asked
    for; no detector where the photos are `aligned` crops."""

    def __init__(self, library: str | None, aligned: bool = False) -> None:
        from phototag.work.models import embedder_card

        self._aligned = aligned
        self._folder = setup.library_folder(library)
        self._settings = setup.load(self._folder, {})
        self.card: ModelCard = embedder_card(self._folder, self._settings)
        self.card_path = self.card.folder / f"{self._settings.embedder}.json"

    @cached_property
    def embed(self) -> Embed:
        from phototag.vision.embed import Embedder

        return Embedder(self.card).embed

    @cached_property
    def detect(self) -> Detect | None:
        from phototag.work.extract import make_detector
        from phototag.work.models import kit_of

        if self._aligned:
            return None
        return make_detector(kit_of(self._folder, self._settings)).detect
