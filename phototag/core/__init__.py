"""The nouns and the laws: pure values and functions. No files, no SQL, no clock."""
