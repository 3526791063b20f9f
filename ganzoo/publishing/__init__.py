"""Publishing: what is uploaded, the model card, and measured scores written where a model is described."""
