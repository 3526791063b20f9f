"""Pages for a browser: the report of a run, and a study with people. Nothing on them comes from a network."""
