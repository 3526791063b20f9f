"""The package here is installed by the test; its own tests are of that installation."""

collect_ignore = ["ganzoo-old-gan"]
