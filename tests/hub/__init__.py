"""A Hub on the loopback, and what is tested against it."""
