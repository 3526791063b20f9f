"""Network layers and blocks; independent of training, data and the registry."""
