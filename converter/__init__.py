"""A trained Keras model in, a `.tflite` file out.

Importing this package does not import TensorFlow, nor does `convert` for a model in a file: a child process does.
"""

from __future__ import annotations

from midge.converter.job import Accuracy, LayerError
from midge.converter.pipeline import convert
from midge.converter.recipe import Recipe, load_recipe, recipe_names
from midge.converter.report import ConversionResult

__all__ = ["Accuracy", "ConversionResult", "LayerError", "Recipe", "convert", "load_recipe", "recipe_names"]
