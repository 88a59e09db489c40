"""The public pages, the feeds and the forms."""
