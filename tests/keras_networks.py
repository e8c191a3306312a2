"""Small Keras 3 networks of the families that people put on microcontrollers, with weights that are not at rest."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers


def mlp() -> keras.Model:
    return _chain((20,), layers.Dense(32, "relu"), layers.Dense(16, "tanh"), layers.Dense(4, "softmax"))


def lenet() -> keras.Model:
    return _chain(
        (20, 20, 1),
        layers.Conv2D(6, 5, padding="same", activation="tanh"),
        layers.AveragePooling2D(2),
        layers.Conv2D(12, 5, activation="tanh"),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(30, "tanh"),
        layers.Dense(10, "softmax"),
    )


def vgg() -> keras.Model:
    return _chain(
        (16, 16, 3),
        *(layers.Conv2D(8, 3, padding="same", activation="relu") for _ in range(2)),
        layers.MaxPooling2D(),
        *(layers.Conv2D(16, 3, padding="same", activation="relu") for _ in range(2)),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(24, "relu"),
        layers.Dropout(0.5),
        layers.Dense(10, "softmax"),
    )


def inception() -> keras.Model:
    image = keras.Input((16, 16, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(image)
    for _ in range(2):
        branches = [
            layers.Conv2D(4, 1, activation="relu")(x),
            layers.Conv2D(6, 3, padding="same", activation="relu")(layers.Conv2D(4, 1, activation="relu")(x)),
            layers.Conv2D(4, 5, padding="same", activation="relu")(layers.Conv2D(2, 1, activation="relu")(x)),
            layers.Conv2D(4, 1, activation="relu")(layers.MaxPooling2D(3, strides=1, padding="same")(x)),
        ]
        x = layers.Concatenate()(branches)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(6, "softmax")(x))


def resnet() -> keras.Model:
    image = keras.Input((16, 16, 3), name="image")
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(image)))
    for channels, stride in ((8, 1), (16, 2)):
        y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(channels, 3, stride, padding="same")(x)))
        y = layers.BatchNormalization()(layers.Conv2D(channels, 3, padding="same")(y))
        if stride > 1:
            x = layers.Conv2D(channels, 1, stride, padding="same")(x)
        x = layers.ReLU()(layers.Add()([x, y]))
    return keras.Model(image, layers.Dense(10, "softmax")(layers.GlobalAveragePooling2D()(x)))


def mobilenet_v2() -> keras.Model:
    image = keras.Input((16, 16, 3), name="image")
    x = layers.ReLU(6.0)(layers.BatchNormalization()(layers.Conv2D(8, 3, 2, padding="same", use_bias=False)(image)))
    for channels, stride in ((8, 1), (12, 2), (12, 1)):
        y = layers.ReLU(6.0)(layers.BatchNormalization()(layers.Conv2D(4 * x.shape[-1], 1, use_bias=False)(x)))
        y = layers.ZeroPadding2D(((0, 1), (0, 1)))(y) if stride == 2 else y
        padding = "valid" if stride == 2 else "same"
        y = layers.DepthwiseConv2D(3, stride, padding=padding, use_bias=False)(y)
        y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(channels, 1, use_bias=False)(y))
        x = layers.Add()([x, y]) if y.shape == x.shape else y
    return keras.Model(image, layers.Dense(5, "softmax")(layers.GlobalAveragePooling2D()(x)))


def autoencoder() -> keras.Model:
    return _chain((40,), layers.Dense(16, "relu"), layers.Dense(4, "relu"), layers.Dense(16, "relu"), layers.Dense(40))


def simple_rnn() -> keras.Model:
    return _chain((6, 5), layers.SimpleRNN(8), layers.Dense(3, "softmax"))


def lstm() -> keras.Model:
    return _chain((6, 5), layers.LSTM(8, return_sequences=True), layers.LSTM(6), layers.Dense(3, "softmax"))


def gru() -> keras.Model:
    return _chain((6, 5), layers.Bidirectional(layers.GRU(6)), layers.Dense(3, "softmax"))


def two_headed() -> keras.Model:
    """Inputs and outputs whose order is neither that of their names nor that in which they are computed."""
    image, extra = keras.Input((8, 8, 1), name="z_image"), keras.Input((4,), name="a_extra")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3, activation="relu")(image))
    x = layers.Concatenate()([x, extra])
    return keras.Model(
        [image, extra], [layers.Dense(5, "softmax", name="z_kind")(x), layers.Dense(1, name="a_size")(x)]
    )


def build(family: str) -> keras.Model:
    """Build a family (a function of this file) with weights, biases and batch statistics like a trained network's."""
    keras.utils.set_random_seed(3)
    model = globals()[family]()
    random = np.random.default_rng(3)
    for variable in model.variables:
        if variable.name in ("bias", "beta", "moving_mean"):
            variable.assign(random.normal(scale=0.1, size=variable.shape))
        elif variable.name in ("gamma", "moving_variance"):
            variable.assign(random.uniform(0.5, 1.5, size=variable.shape))
    return model


def samples(model: keras.Model, count: int) -> dict[str, np.ndarray]:
    """Make inputs by name, standard normal float32."""
    random = np.random.default_rng(4)
    return {t.name: random.standard_normal((count, *t.shape[1:])).astype(np.float32) for t in model.inputs}


def _chain(shape: tuple[int, ...], *parts: Any) -> keras.Model:
    return keras.Sequential([keras.Input(shape, name="x"), *parts])
