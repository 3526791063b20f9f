"""What a trained model is used for: sampling, image-to-image translation, and writing the results to files."""
