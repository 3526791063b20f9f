"""Attacks on runs, files and plugins: each returns what it tried and what failed; `python -m attacks` runs them all."""
