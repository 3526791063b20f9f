"""Inference: sampling, image-to-image translation, and writing the results to files."""
