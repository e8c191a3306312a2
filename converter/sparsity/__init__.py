"""Zeros in weights: where they may lie, in which layers, and when they come. Importing this imports no TensorFlow."""
