"""Random Keras 3 networks of every structure that pruning has to see through; the same seed makes the same network.

A network is an image, a sequence or a vector that random steps (functions of this file) take on, until a head ends it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

# Functions that leave zero zero, so that a channel whose parameters are all zero is zero from end to end.
ZERO_AT_ZERO = ("relu", "tanh", "elu", "leaky_relu", "linear", "silu", "relu6", "selu", "gelu", "softsign")
WIDEST = 24
LARGEST = 1200


class Builder:
    """Makes one network; ``used`` tells which steps it is made of."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.used: list[str] = []

    def channels(self) -> int:
        return self.random.choice((2, 3, 4, 5, 6, 8))

    def activation(self) -> str:
        return self.random.choice(ZERO_AT_ZERO)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def step(self, x: Any, choices: tuple[Callable[[Builder, Any], Any], ...]) -> Any:
        """Take one random step that fits the tensor."""
        for choice in self.random.sample(choices, len(choices)):
            y = choice(self, x)
            if y is not None:
                self.used.append(choice.__name__)
                return y
        return x

    def conv(self, x: Any, filters: int | None = None, **options: Any) -> Any:
        """A convolution of the tensor's rank, with or without bias, normalisation and activation."""
        rank = len(x.shape) - 2
        kind = (layers.Conv1D, layers.Conv2D, layers.Conv3D)[rank - 1]
        options = {"padding": "same", "kernel_size": self.random.choice((1, 3)), **options}
        x = kind(filters or self.channels(), use_bias=self.chance(0.7), **options)(x)
        if self.chance(0.4):
            x = layers.BatchNormalization(scale=self.chance(0.8), center=self.chance(0.8))(x)
        return layers.Activation(self.activation())(x) if self.chance(0.6) else x


def _room(x: Any) -> bool:
    return min(x.shape[1:-1]) >= 4


# Steps on images [height, width, channels] and volumes.


def convolution(b: Builder, x: Any) -> Any:
    stride = b.random.choice((1, 1, 2)) if _room(x) else 1
    dilation = b.random.choice((1, 1, 2)) if stride == 1 and len(x.shape) < 5 else 1  # no .tflite has dilated CONV_3D
    padding = b.random.choice(("same", "valid")) if _room(x) and dilation == 1 else "same"
    return b.conv(x, strides=stride, dilation_rate=dilation, padding=padding)


def grouped_convolution(b: Builder, x: Any) -> Any:
    width = x.shape[-1]
    groups = [g for g in range(2, width + 1) if width % g == 0]
    if not groups or len(x.shape) != 4:
        return None
    chosen = b.random.choice(groups)
    return layers.Conv2D(chosen * b.random.choice((1, 2)), 3, padding="same", groups=chosen)(x)


def depthwise(b: Builder, x: Any) -> Any:
    multiplier = b.random.choice((1, 1, 2, 3))
    if len(x.shape) == 5 or x.shape[-1] * multiplier > WIDEST:
        return None
    kind = layers.DepthwiseConv1D if len(x.shape) == 3 else layers.DepthwiseConv2D
    x = kind(3, padding="same", depth_multiplier=multiplier, use_bias=b.chance(0.5))(x)
    return layers.ReLU()(layers.BatchNormalization()(x)) if b.chance(0.5) else x


def separable(b: Builder, x: Any) -> Any:
    if len(x.shape) == 5:
        return None
    kind = layers.SeparableConv1D if len(x.shape) == 3 else layers.SeparableConv2D
    multiplier = b.random.choice((1, 2))
    return kind(b.channels(), 3, padding="same", depth_multiplier=multiplier, activation=b.activation())(x)


def transposed(b: Builder, x: Any) -> Any:
    if len(x.shape) != 4 or x.shape[1] * x.shape[2] > 64:
        return None
    return layers.Conv2DTranspose(b.channels(), 3, strides=b.random.choice((1, 2)), padding="same")(x)


def residual(b: Builder, x: Any) -> Any:
    y = b.conv(b.conv(x), x.shape[-1])
    if b.chance(0.3):
        filters = b.channels()
        x, y = b.conv(x, filters, kernel_size=1), b.conv(y, filters)
    x = layers.Add()([x, y]) if b.chance(0.6) else x + y
    return layers.ReLU()(x) if b.chance(0.5) else x


def inverted_residual(b: Builder, x: Any) -> Any:
    if len(x.shape) != 4:
        return None
    y = layers.ReLU(6.0)(b.conv(x, min(WIDEST, 2 * x.shape[-1]), kernel_size=1))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
    y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    return layers.Add()([b.conv(y, x.shape[-1], kernel_size=1), x])


def squeeze_and_excite(b: Builder, x: Any) -> Any:
    if len(x.shape) != 4:
        return None
    width = x.shape[-1]
    way = b.random.randrange(3)
    if way == 0:
        gate = layers.Dense(b.channels(), "relu")(layers.GlobalAveragePooling2D()(x))
        gate = layers.Reshape((1, 1, width))(layers.Dense(width, "sigmoid")(gate))
    elif way == 1:
        gate = layers.Conv2D(b.channels(), 1, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x))
        gate = layers.Conv2D(width, 1, activation="hard_sigmoid")(gate)
    else:
        gate = ops.mean(x, axis=(1, 2), keepdims=True)
        gate = ops.sigmoid(layers.Dense(width)(layers.Dense(b.channels(), "relu")(gate)))
    return layers.Multiply()([x, gate]) if b.chance(0.7) else x * gate


def spatial_attention(b: Builder, x: Any) -> Any:
    if len(x.shape) != 4:
        return None
    return layers.Multiply()([x, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x)])


def inception(b: Builder, x: Any) -> Any:
    branches = [b.conv(x, kernel_size=1), b.conv(b.conv(x, kernel_size=1))]
    if len(x.shape) == 4:
        branches.append(b.conv(layers.MaxPooling2D(3, strides=1, padding="same")(x), kernel_size=1))
    return layers.Concatenate()(branches) if b.chance(0.7) else ops.concatenate(branches, axis=-1)


def densely_connected(b: Builder, x: Any) -> Any:
    for _ in range(2):
        if x.shape[-1] > WIDEST:
            return None
        x = layers.Concatenate()([x, b.conv(x)])
    return x


def merged(b: Builder, x: Any) -> Any:
    filters = b.channels()
    kind = b.random.choice(
        (layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)
    )
    count = 2 if kind is layers.Subtract else b.random.choice((2, 3))
    return kind()([b.conv(x, filters) for _ in range(count)])


def pooled(b: Builder, x: Any) -> Any:
    if not _room(x) or len(x.shape) == 5:
        return None
    if len(x.shape) == 3:
        return b.random.choice((layers.MaxPooling1D, layers.AveragePooling1D))(2)(x)
    return b.random.choice((layers.MaxPooling2D, layers.AveragePooling2D))(2)(x)


def framed(b: Builder, x: Any) -> Any:
    if len(x.shape) != 4 or not _room(x):
        return None
    kind = b.random.randrange(3)
    if kind == 0:
        return layers.ZeroPadding2D(((0, 1), (1, 0)))(x)
    if kind == 1:
        return layers.Cropping2D(1)(x)
    return layers.UpSampling2D(2)(x) if x.shape[1] * x.shape[2] <= 64 else None


def activated(b: Builder, x: Any) -> Any:
    kind = b.random.randrange(6)
    if kind == 0 and len(x.shape) < 5:  # no .tflite has PRELU of five dimensions
        shared = list(range(1, len(x.shape) - 1)) if b.chance(0.7) else None
        return layers.PReLU("normal", shared_axes=shared)(x)
    if kind == 1:
        return layers.LeakyReLU()(x)
    if kind == 2:
        return layers.Dropout(0.3)(x)
    if kind == 3:
        return ops.relu(x)
    if kind == 4:
        return layers.BatchNormalization()(x)
    return layers.Activation(b.activation())(x)


def split_and_joined(b: Builder, x: Any) -> Any:
    width = x.shape[-1]
    if width < 2:
        return None
    first, second = ops.split(x, [b.random.randrange(1, width)], axis=-1)
    return layers.Concatenate()([b.conv(first), second] if b.chance(0.5) else [second, first])


def shared_layer(b: Builder, x: Any) -> Any:
    """A convolution that is called twice: on the tensor, and on its own output."""
    if len(x.shape) != 4:
        return None
    layer = layers.Conv2D(x.shape[-1], 3, padding="same")
    return layers.Activation(b.activation())(layer(layer(x)))


def nested_model(b: Builder, x: Any) -> Any:
    """A model within the model, functional or sequential, called once or on two tensors."""
    inner = keras.Input(x.shape[1:])
    if b.chance(0.5):
        y = layers.Add()([b.conv(inner, x.shape[-1]), inner])
        model = keras.Model(inner, b.conv(y))
    else:
        kind = (layers.Conv1D, layers.Conv2D, layers.Conv3D)[len(x.shape) - 3]
        parts = [kind(b.channels(), 3, padding="same"), layers.ReLU(), kind(b.channels(), 1)]
        model = keras.Sequential([keras.Input(x.shape[1:]), *parts])
    y = model(x)
    return layers.Concatenate()([y, model(b.conv(x, x.shape[-1]))]) if b.chance(0.4) else y


def normalised(b: Builder, x: Any) -> Any:
    """Statistics over channels: nothing in front of it can be pruned."""
    return layers.LayerNormalization()(x)


# Steps on sequences [time, channels].


def recurrent(b: Builder, x: Any) -> Any:
    kind = b.random.choice((layers.SimpleRNN, layers.GRU, layers.LSTM))
    options: dict[str, Any] = {"return_sequences": True, "use_bias": b.chance(0.8)}
    if kind is layers.GRU:
        options["reset_after"] = b.chance(0.5)
    layer = kind(b.channels(), **options)
    if b.chance(0.5):
        layer = layers.Bidirectional(layer, merge_mode=b.random.choice(("concat", "sum", "mul", "ave")))
    return layer(x)


def encoder_and_decoder(b: Builder, x: Any) -> Any:
    """The states of one layer begin another."""
    units = b.channels()
    if b.chance(0.5):
        y, *state = layers.LSTM(units, return_sequences=True, return_state=True)(x)
        return layers.LSTM(units, return_sequences=True)(y, initial_state=state)
    y, *state = layers.GRU(units, return_sequences=True, return_state=True)(x)
    return layers.GRU(units, return_sequences=True)(y, initial_state=state)


def every_time(b: Builder, x: Any) -> Any:
    if b.chance(0.5):
        return layers.TimeDistributed(layers.Dense(b.channels(), b.activation()))(x)
    inner = keras.Sequential([keras.Input(x.shape[2:]), layers.Dense(b.channels(), "relu"), layers.Dense(b.channels())])
    return layers.TimeDistributed(inner)(x)


def weighted_by_attention(b: Builder, x: Any) -> Any:
    scores = layers.Softmax(axis=1)(layers.Dense(x.shape[-1])(x))
    return layers.Multiply()([x, scores])


def heads(b: Builder, x: Any) -> Any:
    return layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)])


# Steps on vectors [channels].


def dense(b: Builder, x: Any) -> Any:
    x = layers.Dense(b.channels(), b.activation(), use_bias=b.chance(0.8))(x)
    return layers.BatchNormalization()(x) if b.chance(0.4) else x


def dense_residual(b: Builder, x: Any) -> Any:
    return layers.Add()([x, layers.Dense(x.shape[-1])(layers.Dense(b.channels(), b.activation())(x))])


def gated(b: Builder, x: Any) -> Any:
    units = b.channels()
    return layers.Multiply()([layers.Dense(units)(x), layers.Dense(units, "sigmoid")(x)])


def repeated(b: Builder, x: Any) -> Any:
    """To a sequence and back."""
    return layers.GRU(b.channels())(layers.RepeatVector(3)(x))


SPATIAL = (
    convolution,
    residual,
    inception,
    densely_connected,
    merged,
    activated,
    split_and_joined,
    nested_model,
    depthwise,
    separable,
    pooled,
)
IMAGE = (
    *SPATIAL,
    *(convolution, grouped_convolution, transposed, inverted_residual, squeeze_and_excite, shared_layer, framed),
    *(spatial_attention, normalised),
)
SEQUENCE = (*SPATIAL, recurrent, recurrent, encoder_and_decoder, every_time, weighted_by_attention, heads)
VECTOR = (dense, dense, dense_residual, gated, repeated, activated)


def _image_to_vector(b: Builder, x: Any) -> Any:
    rank = len(x.shape) - 3
    way = b.random.randrange(4)
    if way == 0 and int(np.prod(x.shape[1:])) <= LARGEST:
        return layers.Flatten()(x)
    if way == 1 and rank == 1:
        return layers.GRU(b.channels())(layers.Reshape((-1, x.shape[-1]))(x[:, 0:2, 0:2]))
    if way == 2:
        return (layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D)[rank]()(x)
    kinds = (layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D)
    return kinds[rank]()(x)


def _sequence_to_vector(b: Builder, x: Any) -> Any:
    way = b.random.randrange(4)
    if way == 0:
        return b.random.choice((layers.SimpleRNN, layers.GRU, layers.LSTM))(b.channels())(x)
    return x[:, -1] if way == 1 else _image_to_vector(b, x)


def build(seed: int) -> tuple[keras.Model, tuple[str, ...]]:
    """Build network ``seed`` with weights like a trained network's; return it with the names of its steps."""
    keras.utils.set_random_seed(seed)
    b = Builder(seed)
    kind = b.random.choice(("image", "image", "image", "volume", "sequence", "sequence", "vector", "several"))
    inputs, x = _start(b, kind)
    for _ in range(b.random.randrange(1, 4)):
        x = b.step(x, VECTOR)
    outputs: Any = layers.Dense(3, b.random.choice(("softmax", None)))(x)
    if b.chance(0.2):
        outputs = {"first": outputs, "second": layers.Dense(2)(x)} if b.chance(0.5) else [outputs, layers.Dense(2)(x)]
    model = keras.Model(inputs, outputs)
    _train(model, np.random.default_rng(seed))
    return model, tuple(b.used)


def _start(b: Builder, kind: str) -> tuple[Any, Any]:
    """Make the inputs, and the vector that the head begins with."""
    count = b.random.randrange(2, 5)
    if kind == "several":
        image, vector = keras.Input((8, 8, 2), name="image"), keras.Input((4,), name="vector")
        x = b.step(b.conv(image), IMAGE)
        joined = layers.Concatenate()([_image_to_vector(b, x), layers.Dense(b.channels(), "relu")(vector)])
        return ({"image": image, "vector": vector} if b.chance(0.5) else [image, vector]), joined
    if kind == "vector":
        x = keras.Input((10,), name="vector")
        return x, layers.Dense(b.channels(), b.activation())(x)
    if kind == "sequence":
        if b.chance(0.3):
            start = keras.Input((6,), name="tokens")
            x = layers.Embedding(12, b.channels())(start)
        else:
            start = keras.Input((6, 3), name="sequence")
            x = b.conv(start)
        for _ in range(count):
            x = b.step(x, SEQUENCE)
        return start, _sequence_to_vector(b, x)
    start = keras.Input((10, 10, 3) if kind == "image" else (4, 4, 4, 2), name=kind)
    x = b.conv(start)
    for _ in range(count):
        x = b.step(x, IMAGE if kind == "image" else SPATIAL)
    return start, _image_to_vector(b, x)


def _train(model: keras.Model, generator: np.random.Generator) -> None:
    """Give biases and statistics values that are not at rest."""
    for variable in model.variables:
        if variable.name in ("bias", "beta", "moving_mean"):
            variable.assign(generator.normal(scale=0.2, size=variable.shape))
        elif variable.name in ("gamma", "moving_variance"):
            variable.assign(generator.uniform(0.5, 1.5, size=variable.shape))


def samples(model: keras.Model, count: int) -> dict[str, np.ndarray]:
    """Make inputs by name: tokens from 0 to 11, all else standard normal float32."""
    generator = np.random.default_rng(4)
    made = {}
    for tensor in model.inputs:
        shape = (count, *tensor.shape[1:])
        tokens = tensor.name == "tokens"
        values = generator.integers(0, 12, shape) if tokens else generator.standard_normal(shape)
        made[tensor.name] = values.astype(np.float32)
    return made
