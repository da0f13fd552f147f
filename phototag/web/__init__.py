"""THE PAGE: the library in a browser; the same verbs as on the command line."""
