"""Programs run by hand: they make what is derived."""
