"""Integer networks of small Keras models, evaluated where they are trained and where they are deployed."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
from tflite_micro import runtime as tflm

from midge.converter.data import Dataset
from midge.runtime.graph import DType, Graph
from midge.runtime.model import quantize
from midge.runtime.tflite.writer import write_model

SAMPLES = 48

RECURRENT = ("simple_rnn", "lstm", "gru")
STEPS = 3
"""Of recurrent networks, which are unrolled: what takes time is TensorFlow's tracing of every operator."""


def integers(network: Any, data: Dataset, weights: Literal["int8", "int4"] = "int8") -> Any:
    """Quantize a network after training, its biases corrected."""
    from midge.converter import export
    from midge.converter.quantize import to_tflite
    from midge.converter.quantizer.post_training import Settings, quantize

    straight = export.unroll_recurrent(network)
    function, module = export.export(straight)
    content = to_tflite(straight, function, module, None, None)
    return quantize(content, data, Settings(weights=weights, bias_correction=True)).network


def family(name: str) -> tuple[Any, Dataset]:
    """Return a network and samples labelled by itself; without labels where it rebuilds its input."""
    import keras
    from keras_networks import build, samples

    from midge.converter.network import from_keras

    keras.backend.clear_session()  # names count from the start
    model = build(name)
    if name in RECURRENT:
        shorter = keras.Input((STEPS, *model.inputs[0].shape[2:]), name="x")
        weights = model.get_weights()
        model = keras.models.clone_model(model, input_tensors=shorter)
        model.set_weights(weights)
    network = from_keras(model)
    inputs = tuple(samples(model, SAMPLES)[spec.name] for spec in network.inputs)
    labels = None if name == "autoencoder" else network.predict(inputs)[0].argmax(axis=-1)
    return network, Dataset("training", inputs, labels)


def simulated(network: Any, inputs: tuple[Any, ...]) -> list[np.ndarray]:
    """Evaluate all samples in the training graph."""
    import tensorflow as tf

    from midge.converter.qat.simulator import Simulator

    simulator = Simulator(network)
    run = tf.function(lambda *tensors: simulator.run(tensors), autograph=False)
    batches = [tuple(tf.constant(x[start : start + 50]) for x in inputs) for start in range(0, len(inputs[0]), 50)]
    parts = [[np.asarray(output) for output in run(*batch)] for batch in batches]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def as_int8(graph: Graph) -> Graph:
    """Return a graph with int4 weights stored as int8: the oracle's fully connected kernel takes no others."""
    tensors = [dataclasses.replace(t, dtype=DType.INT8) if t.dtype is DType.INT4 else t for t in graph.tensors]
    return graph.replace(tensors=tuple(tensors))


def exported(network: Any, inputs: tuple[Any, ...]) -> list[np.ndarray]:
    """Run all samples through the file in TensorFlow Lite Micro; outputs as they are stored."""
    interpreter: Any = tflm.Interpreter.from_bytes(write_model(as_int8(network.graph)), arena_size=1 << 21)
    tensors = [network.graph.tensors[i] for i in network.graph.inputs]
    stored = [
        quantize(x, t.quantization.scale, t.quantization.zero_point, np.dtype(np.int8), t.name)
        for x, t in zip(inputs, tensors, strict=True)
    ]
    rows = []
    for i in range(len(inputs[0])):
        interpreter.reset()
        for k, x in enumerate(stored):
            interpreter.set_input(x[i : i + 1], k)
        interpreter.invoke()
        rows.append([np.array(interpreter.get_output(k)) for k in range(len(network.graph.outputs))])
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def assert_exported_as_simulated(network: Any, inputs: tuple[Any, ...]) -> None:
    for found, wanted in zip(simulated(network, inputs), exported(network, inputs), strict=True):
        np.testing.assert_array_equal(found, wanted)
