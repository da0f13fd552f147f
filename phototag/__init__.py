"""phototag tags the people in a photo collection: locally, offline, in batch."""

__version__ = "0.1.0"
