"""Pixels to faces: models, detectors, alignment, embedding."""
