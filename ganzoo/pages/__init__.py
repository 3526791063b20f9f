"""Pages for a browser: the report of a run. Nothing on them comes from a network."""
