"""The bytes that phototag writes: sidecars, contact sheet."""
