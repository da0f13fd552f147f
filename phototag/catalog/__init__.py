"""SQLite: the only SQL of phototag."""
