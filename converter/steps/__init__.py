"""The steps that recipes are made of: one file each, its settings and what it does.

This table is all there is to registering one. Importing it does not import TensorFlow.
"""

from __future__ import annotations

from midge.converter.steps.cluster import Cluster
from midge.converter.steps.distill import Distill
from midge.converter.steps.prune import Prune
from midge.converter.steps.qat import Qat
from midge.converter.steps.quantize import Quantize
from midge.converter.steps.sparsify import Sparsify
from midge.converter.steps.step import Training

Step = Distill | Prune | Sparsify | Quantize | Cluster | Qat

NETWORK_STEPS = (Distill, Prune, Sparsify)
"""Change the float network; they come before the quantization."""

INTEGER_STEPS = (Cluster, Qat)
"""Change the integer network; they come after the quantization."""

__all__ = [
    "INTEGER_STEPS",
    "NETWORK_STEPS",
    "Cluster",
    "Distill",
    "Prune",
    "Qat",
    "Quantize",
    "Sparsify",
    "Step",
    "Training",
]
