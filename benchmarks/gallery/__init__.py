"""How the sample gallery is painted: averaged faces, portraits, scenes."""
