"""The tables of layers and operations whose treatment of channels is known, by the names of their classes."""

from __future__ import annotations

from typing import Any

from midge.converter.prune.rules.activation import ACTIVATION, PRELU, SOFTMAX
from midge.converter.prune.rules.elementwise import COMBINE, CONCATENATE, REDUCTION, RESCALING, SAME, SPLIT
from midge.converter.prune.rules.recurrent import RECURRENT
from midge.converter.prune.rules.rule import Rule
from midge.converter.prune.rules.shape import EXPAND, ITEM, PERMUTE, RESHAPE
from midge.converter.prune.rules.weighted import (
    BATCH_NORMALIZATION,
    CONVOLUTION,
    DENSE,
    DEPTHWISE,
    EMBEDDING,
    SEPARABLE,
    TRANSPOSED,
)

_DIMENSIONS = ("1D", "2D", "3D")

LAYERS: dict[str, Rule] = {
    "Dense": DENSE,
    **{f"Conv{d}": CONVOLUTION for d in _DIMENSIONS},
    **{f"Conv{d}Transpose": TRANSPOSED for d in _DIMENSIONS},
    **{f"DepthwiseConv{d}": DEPTHWISE for d in _DIMENSIONS[:2]},
    **{f"SeparableConv{d}": SEPARABLE for d in _DIMENSIONS[:2]},
    "Embedding": EMBEDDING,
    "BatchNormalization": BATCH_NORMALIZATION,
    **dict.fromkeys(("SimpleRNN", "GRU", "LSTM", "RNN"), RECURRENT),
    "Activation": ACTIVATION,
    "Softmax": SOFTMAX,
    "PReLU": PRELU,
    **dict.fromkeys(("ReLU", "LeakyReLU", "ELU", "Identity", "ActivityRegularization", "RepeatVector"), SAME),
    **dict.fromkeys(("Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise"), SAME),
    **{f"SpatialDropout{d}": SAME for d in _DIMENSIONS},
    **{f"{kind}Pooling{d}": SAME for kind in ("Max", "Average") for d in _DIMENSIONS},
    **{f"Global{kind}Pooling{d}": SAME for kind in ("Max", "Average") for d in _DIMENSIONS},
    **{f"Adaptive{kind}Pooling{d}": SAME for kind in ("Max", "Average") for d in _DIMENSIONS},
    **{f"{kind}{d}": SAME for kind in ("ZeroPadding", "Cropping", "UpSampling") for d in _DIMENSIONS},
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), COMBINE),
    "Concatenate": CONCATENATE,
    "Rescaling": RESCALING,
    **dict.fromkeys(("Flatten", "Reshape"), RESHAPE),
    "Permute": PERMUTE,
}

_ELEMENTWISE = """Abs Absolute Add Cast Ceil Celu Clip Copy Divide DivideNoNan Elu Erf Exp Expm1 Floor Gelu HardShrink
HardSigmoid HardSilu HardTanh LeakyRelu Log Log1p LogSigmoid Maximum Minimum Multiply Negative Power Reciprocal Relu
Relu6 Round Rsqrt Selu Sigmoid Sign Silu SoftShrink Softplus Softsign SparsePlus SparseSigmoid Sqrt Square Squareplus
StopGradient Subtract Tanh TanhShrink Threshold TrueDivide Where""".split()

OPERATIONS: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE, COMBINE),
    **dict.fromkeys(("Mean", "Sum", "Max", "Min", "Amax", "Amin", "Prod", "Var", "Std"), REDUCTION),
    **dict.fromkeys(("Softmax", "LogSoftmax"), SOFTMAX),
    "Concatenate": CONCATENATE,
    "Split": SPLIT,
    "Reshape": RESHAPE,
    "Transpose": PERMUTE,
    "GetItem": ITEM,
    **dict.fromkeys(("ExpandDims", "Squeeze"), EXPAND),
}


def rule_for(operation: Any) -> Rule | None:
    """Return the rule of a layer or operation, None if it has none.

    A class derived from one of Keras's has its rule as long as it computes as Keras does.
    """
    kind = type(operation)
    for base in kind.__mro__:
        table = next((t for prefix, t in _TABLES if base.__module__.startswith(prefix)), {})
        if base.__name__ in table:
            same = all(getattr(kind, name, None) is getattr(base, name, None) for name in ("call", "build"))
            return table[base.__name__] if same else None
    return None


_TABLES = (("keras.src.layers.", LAYERS), ("keras.src.ops.", OPERATIONS))
