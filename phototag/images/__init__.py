"""Files to pixels: find, read, draw, thumbs."""
