"""Choosing, layer by layer, how a model is computed, by counting on the emulated core; see `tune`."""

from midge.runtime.tuner.search import Tuning, tune

__all__ = ["Tuning", "tune"]
