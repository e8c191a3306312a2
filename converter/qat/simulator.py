"""A quantized graph as a TensorFlow function: firmware's integers forwards, gradients backwards. Imports TensorFlow.

Nothing of the float network is rebuilt: the function walks the very graph that is written to the file, so what it
computes is what the file computes, and what it has trained are the file's constants.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from midge.converter.qat.heads import relaxed
from midge.converter.qat.operators import ROWS, WEIGHTED
from midge.converter.qat.operators.call import Call, is_byte, scale_of, to_real
from midge.converter.qat.operators.unary import to_integers
from midge.converter.qat.parameters import BiasTensor, Layer, WeightTensor, unique
from midge.converter.quantizer.integer import IntegerNetwork
from midge.runtime.errors import UnsupportedError
from midge.runtime.graph import Array, DType, Node
from midge.runtime.lower import check
from midge.runtime.operators import OPERATORS
from midge.runtime.program import ParamValue, Target

CHANNEL_AXES = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
"""The axis of the output channels in the weights."""


class Simulator:
    """A quantized network that can be evaluated and trained.

    Args:
        network: what to begin with.
        learn_scales: whether the scales of weights are trained.

    Raises:
        UnsupportedError: an operator cannot be trained through, or Midge has no kernel for it; the message names it.
    """

    def __init__(self, network: IntegerNetwork, *, learn_scales: bool = False) -> None:
        require_trainable(network)
        self.network = network
        self._graph = network.graph
        self._nodes = list(self._graph.nodes())
        self._params = [_kernel_params(node) for node in self._nodes]
        self._weights: dict[Any, WeightTensor] = {}
        self._biases: dict[Any, BiasTensor] = {}
        self._learn_scales = learn_scales
        self.layers = {
            position: self._make_layer(node)
            for position, node in enumerate(self._nodes)
            if node.operator.kind in WEIGHTED
        }

    @property
    def variables(self) -> list[Any]:
        """What is trained: float32 variables."""
        found = [variable for weights in self._weights.values() for variable in weights.variables]
        return unique([*found, *(bias.change for bias in self._biases.values())])

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """Evaluate a batch as firmware does.

        Args:
            inputs: one for each of the graph's inputs, ``[n, *shape of a sample]``, real values in float32.

        Returns:
            The graph's outputs, ``[n, *shape of a sample]``: integers held in float32 where the file has integers.
        """
        values = self._evaluate(inputs)
        return [tf.reshape(values[i], (-1, *self._graph.tensors[i].shape[1:])) for i in self._graph.outputs]

    def run_real(self, inputs: Sequence[Any]) -> list[Any]:
        """Evaluate a batch for a loss: real outputs, and a last softmax or sigmoid without its rounding to 1/256."""
        values = self._evaluate(inputs)
        outputs = []
        for index in self._graph.outputs:
            tensor = self._graph.tensors[index]
            smooth = relaxed(self._nodes, index, values)
            found = to_real(values[index], tensor) if smooth is None else smooth
            outputs.append(tf.reshape(found, (-1, *tensor.shape[1:])))
        return outputs

    def activations(self, inputs: Sequence[Any], indices: Sequence[int]) -> list[Any]:
        """Evaluate a batch and return some of its tensors, ``[n, *shape]``, as integers held in float32."""
        values = self._evaluate(inputs)
        return [values[i] for i in indices]

    def limit(self) -> None:
        """Keep variables within bounds, after a step of training."""
        for weights in self._weights.values():
            weights.limit()

    def export(self) -> IntegerNetwork:
        """Return the network with the trained integers and scales."""
        tensors = list(self._graph.tensors)
        for position, layer in self.layers.items():
            inputs = self._nodes[position].operator.inputs
            assert inputs[1] is not None
            tensors[inputs[1]] = dataclasses.replace(layer.weights.store(), name=tensors[inputs[1]].name)
            if layer.bias is not None and inputs[2] is not None:
                tensors[inputs[2]] = layer.store_bias(tensors[inputs[2]])
        return self.network.replace(graph=self._graph.replace(tensors=tuple(tensors), sha256=""))

    def _evaluate(self, inputs: Sequence[Any]) -> dict[int, Any]:
        """Return every activation of a batch by tensor, ``[n, *shape]``."""
        values: dict[int, Any] = {}
        for index, array in zip(self._graph.inputs, inputs, strict=True):
            tensor = self._graph.tensors[index]
            real = tf.reshape(tf.cast(array, tf.float32), (-1, *tensor.shape))
            values[index] = to_integers(real, tensor) if is_byte(tensor) else real
        trained = {position: layer.values() for position, layer in self.layers.items()}
        for position, node in enumerate(self._nodes):
            given = tuple(self._value(node, i, values) for i in node.operator.inputs)
            call = Call(node, given, self._params[position], trained.get(position))
            values.update(zip(node.operator.outputs, ROWS[node.operator.kind](call), strict=True))
        return values

    def _value(self, node: Node, index: int | None, values: Mapping[int, Any]) -> Any:
        if index is None or index in values:
            return None if index is None else values[index]
        tensor = self._graph.tensors[index]
        if tensor.dtype not in (DType.INT8, DType.FLOAT32) or node.operator.kind in WEIGHTED:
            return None  # weights, and shapes or axes that rows read from the graph
        return tf.constant(tensor.data, tf.float32)[None]

    def _make_layer(self, node: Node) -> Layer:
        graph, operator = self._graph, node.operator
        index, weights = node.input_index(1), node.input(1)
        assert weights.data is not None and weights.quantization is not None
        exact = self._exact(index)
        key = _identity(index, weights.data, weights.quantization.scales)
        axis = CHANNEL_AXES[operator.kind]
        if key not in self._weights:
            self._weights[key] = WeightTensor(
                weights, self.network.grids.get(index), exact, axis, learn_scales=self._learn_scales
            )
        bias_index = operator.inputs[2] if len(operator.inputs) > 2 else None
        source, output = node.input(0), node.output()
        bias, first_bias = None, np.zeros(weights.shape[axis])
        if bias_index is not None:
            data = graph.tensors[bias_index].data
            assert data is not None
            products = np.float64(scale_of(source)) * weights.quantization.scales.astype(np.float64)
            first_bias = first_bias + data.ravel() * products
            # Layers that share weights share the bias too, though their integers may have different scales.
            original = self._exact(bias_index)
            bias_key = key, (data if original is None else original).tobytes()
            if bias_key not in self._biases:
                self._biases[bias_key] = BiasTensor(len(first_bias), 127 * scale_of(output))
            bias = self._biases[bias_key]
        return Layer(self._weights[key], bias, first_bias, scale_of(source))

    def _exact(self, index: int) -> Array | None:
        """Return the float original of a constant, or None where there is none."""
        if index >= len(self.network.exact.tensors):
            return None
        tensor = self.network.exact.tensors[index]
        return tensor.data if tensor.dtype is DType.FLOAT32 else None


def require_trainable(network: IntegerNetwork) -> None:
    """Refuse a network that holds an operator which cannot be trained through.

    Raises:
        UnsupportedError: it does; the message names the operator.
    """
    for node in network.graph.nodes():
        if node.operator.kind not in ROWS:
            raise UnsupportedError(
                f"{node.location}: {node.operator.kind} cannot be trained through in integers; use the recipe int8, or "
                "replace the layer that makes it"
            )
        check(node)
        for tensor in (*node.inputs, *node.outputs):
            if tensor is not None and tensor.dtype is DType.UINT8:
                raise UnsupportedError(f"{node.location}: {tensor.name!r} is uint8; only int8 networks can be trained")


def _identity(index: int, data: Array, scales: Array) -> Any:
    """Return what weights have in common that are one and the same; those of a single value may be so by chance."""
    if data.size and (data != data.flat[0]).any():
        return data.shape, data.tobytes(), scales.tobytes()
    return index


def _kernel_params(node: Node) -> Mapping[str, ParamValue]:
    """Return what the firmware's one kernel for an operator is told; nothing where weights are trained, or several."""
    if node.operator.kind in WEIGHTED:
        return {}
    calls = OPERATORS[node.operator.kind].lower(node, Target())
    return calls[0].params if len(calls) == 1 else {}
