"""One file per migration, in order; never changed once released."""
