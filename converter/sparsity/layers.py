"""Which weights of a Keras model can be made sparse, and how they lie in a `.tflite` file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from midge.converter.prune.keras_graph import calls, check_model, functional, is_kind, is_model, leaves, nested_inputs
from midge.runtime.errors import InputError

SMALL = 0.1
"""The first and the last layer stay dense if they hold at most this share of the weights: they gain little and matter
most."""

_DIMENSIONS = ("1D", "2D", "3D")


@dataclass(frozen=True)
class Layout:
    """The axes of a variable in the order (output channels, window, input channels); the last may be missing."""

    outputs: tuple[int, ...]
    window: tuple[int, ...]
    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Kernel:
    """A variable of weights."""

    layer: str
    """Path of its layer."""
    name: str
    """Its own, within the layer."""
    variable: Any
    layout: Layout
    depthwise: bool

    @property
    def path(self) -> str:
        """Name it for people."""
        return self.layer if self.name == "kernel" else f"{self.layer}.{self.name}"


def find_kernels(model: Any) -> list[Kernel]:
    """Return every variable of weights of a Keras 3 model whose layout is known, in the order of the layers.

    Raises:
        ConversionError: the model is subclassed, or one of tf_keras.
        InputError: it is no Keras model, or was never built.
    """
    check_model(model)
    found = []
    for path, layer in leaves(model).items():
        for variable in getattr(layer, "variables", ()):
            layout = _layout(layer, variable)
            if layout is not None:
                found.append(Kernel(path, variable.name, variable, layout, depthwise=not layout.inputs))
    return found


def _layout(layer: Any, variable: Any) -> Layout | None:
    rank = len(variable.shape)
    window = tuple(range(rank - 2))
    dense = Layout((rank - 1,), window, (rank - 2,))
    if is_kind(layer, *(f"DepthwiseConv{d}" for d in _DIMENSIONS[:2])):
        return Layout((rank - 2, rank - 1), window, ()) if variable.name == "kernel" else None
    if is_kind(layer, *(f"SeparableConv{d}" for d in _DIMENSIONS[:2])):
        if variable.name == "depthwise_kernel":
            return Layout((rank - 2, rank - 1), window, ())
        return dense if variable.name == "pointwise_kernel" else None
    if variable.name == "kernel" and is_kind(layer, *(f"Conv{d}Transpose" for d in _DIMENSIONS)):
        return Layout((rank - 2,), window, (rank - 1,))
    if variable.name == "kernel" and is_kind(layer, "Dense", *(f"Conv{d}" for d in _DIMENSIONS)):
        return dense
    if variable.name in ("kernel", "recurrent_kernel") and is_kind(layer, "SimpleRNN", "GRU", "LSTM"):
        return dense
    return None


def choose_kernels(model: Any, layers: Sequence[str] = (), exclude: Sequence[str] = ()) -> list[Kernel]:
    """Choose the weights to make sparse.

    Args:
        model: a functional or sequential Keras 3 model.
        layers: names or paths of layers, ``*`` and ``?`` standing for what file names let them. Without any, all
            convolutions, dense and recurrent layers, but not depthwise ones, and the first and the last only if they
            hold more than a tenth (`SMALL`) of the weights.
        exclude: layers that stay dense, likewise.

    Raises:
        InputError: nothing is left, or a pattern fits no layer that has weights to make sparse.
        ConversionError: as `find_kernels`.
    """
    kernels = find_kernels(model)
    for pattern in (*layers, *exclude):
        if not any(_fits(kernel, pattern) for kernel in kernels):
            raise InputError(
                f"no layer {pattern!r} in {model.name!r} has weights that can be made sparse; there are "
                f"{_listed(kernels)}"
            )
    if layers:
        chosen = [kernel for kernel in kernels if any(_fits(kernel, pattern) for pattern in layers)]
    else:
        total = sum(_size(kernel) for kernel in kernels)
        ends = _ends(model, {kernel.layer for kernel in kernels})
        small = {e for e in ends if sum(_size(k) for k in kernels if k.layer == e) <= SMALL * total}
        chosen = [kernel for kernel in kernels if not kernel.depthwise and kernel.layer not in small]
    chosen = [kernel for kernel in chosen if not any(_fits(kernel, pattern) for pattern in exclude)]
    if not chosen:
        raise InputError(
            f"there is nothing to make sparse in {model.name!r}: convolutions, dense and recurrent layers between the "
            f"first and the last are taken unless 'layers' names others; there are {_listed(kernels)}"
        )
    return chosen


def _fits(kernel: Kernel, pattern: str) -> bool:
    names = (kernel.layer, kernel.layer.rpartition("/")[2], kernel.path)
    return any(fnmatchcase(name, pattern) for name in names)


def _size(kernel: Kernel) -> int:
    size = 1
    for extent in kernel.variable.shape:
        size *= int(extent)
    return size


def _listed(kernels: Sequence[Kernel]) -> str:
    names = list(dict.fromkeys(kernel.layer for kernel in kernels))
    if not names:
        return "none"
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _ends(model: Any, weighted: set[str]) -> set[str]:
    """Return the layers with weights that see the model's inputs, and those that its outputs come from."""
    paths = {id(layer): path for path, layer in leaves(model).items()}
    first: set[str] = set()

    def follow(part: Any, arrived: Sequence[frozenset[str]]) -> list[frozenset[str]]:
        graph = functional(part)
        last = {id(tensor): layers for tensor, layers in zip(graph.inputs, arrived, strict=True)}
        for node in calls(part):
            layer, before = node.operation, [last[id(tensor)] for tensor in node.input_tensors]
            inner = nested_inputs(layer, node) if is_model(layer) else None
            own = {path for path in _paths_within(layer, paths) if path in weighted}
            if inner is not None:
                after = follow(layer, [last[id(tensor)] for tensor in inner])
            elif own:
                if not all(before):
                    first.update(own)
                after = [frozenset(own)] * len(node.outputs)
            else:
                after = [frozenset[str]().union(*before)] * len(node.outputs)
            last.update((id(tensor), layers) for tensor, layers in zip(node.outputs, after, strict=True))
        return [last[id(tensor)] for tensor in graph.outputs]

    empty = [frozenset[str]() for _ in functional(model).inputs]
    return first.union(*follow(model, empty))


def _paths_within(layer: Any, paths: dict[int, str]) -> list[str]:
    """Return the paths of a layer, or of the layers within a wrapper."""
    inside = getattr(layer, "_flatten_layers", None)
    layers = list(inside()) if inside is not None else [layer]
    return [paths[id(one)] for one in layers if id(one) in paths]
