"""Models: made untrained, described by a config.json, stored as safetensors, found and loaded."""
