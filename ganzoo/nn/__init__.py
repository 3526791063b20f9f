"""Network parts that architectures are built of. Knows no game, no data and no registry."""
