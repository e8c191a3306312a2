"""Structured pruning: taking channels and blocks out of a Keras model, which stays an ordinary, smaller model."""
