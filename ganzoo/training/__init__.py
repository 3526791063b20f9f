"""The engine: one loop for all architectures, its checkpoints and its reports."""
