"""The package that `ganzoo new` writes: its names and its template."""
