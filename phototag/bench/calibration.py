"""Write measured thresholds into a model's card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from phototag.bench.evaluate_verification import VerificationReport
from phototag.bench.thresholds import Calibration, calibrate
from phototag.errors import UsageError
from phototag.output import atomic
from phototag.vision.models import card_json, load_card


def calibrate_card(path: Path, report: VerificationReport, faces: str) -> Calibration:
    """Measure thresholds on all pairs of the report's named faces and write them into the card at
    `path`.

    `faces` says which faces they were, for the card. Raises UsageError where the identities are not
    known or too few, CannotWrite where the card cannot be written.
    """
    known = report.labels >= 0
    if not known.any():
        raise UsageError(
            "The pairs do not say who is on the photos, so thresholds cannot be measured on all "
            "combinations of them. Use LFW's format, with names."
        )
    found = calibrate(report.vectors[known], report.labels[known])
    card = load_card(path)
    notes = {**card.measurements, "calibration": {"set": faces, **found.measurements}}
    changed = replace(card, thresholds=found.thresholds, measurements=notes)
    atomic.write(path, card_json(changed).encode())
    return found
