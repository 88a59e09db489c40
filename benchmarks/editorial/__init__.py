"""How well Digest judges, beside what a user could install instead: see `__main__`."""
