"""Train the demo's model: a small convolutional network that reads handwritten digits.

Run it as ``python examples/digits/train.py``; it needs ``midge[convert]`` and scikit-learn, takes about a
minute on a laptop and writes three files beside itself:

``digits.keras``      the trained network, float32 ``[1, 8, 8, 1]`` in ``[0, 1]`` to ten probabilities
``calibration.npz``   300 training images (``x``, ``y``) to calibrate the quantization with
``test.npz``          the 450 images (``x``, ``y``) that neither training nor calibration has seen

The split, the seed and the order of all operations are fixed; different versions of TensorFlow or another
processor may still change the last digits of the weights.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).parent
SEED = 1
TEST_IMAGES = 450
CALIBRATION_IMAGES = 300
EPOCHS = 60
BATCH = 32


def load_images() -> tuple[np.ndarray, np.ndarray]:
    """Return the 1797 images as float32 ``[n, 8, 8, 1]`` in ``[0, 1]`` and their digits as int64 ``[n]``."""
    digits = load_digits()
    images = (digits.images[..., None] / 16.0).astype(np.float32)  # the data set counts pixels from 0 to 16
    return images, digits.target.astype(np.int64)


def shift(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Move every image by up to one pixel in each direction, filling with the background."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    offsets = random.integers(0, 3, size=(len(images), 2))
    return np.stack([p[y : y + 8, x : x + 8] for p, (y, x) in zip(padded, offsets, strict=True)])


def conv_block(x: keras.KerasTensor, kernel: int, channels: int) -> keras.KerasTensor:
    """Convolution, batch normalization and ReLU."""
    x = layers.Conv2D(channels, kernel, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x)


def separable_block(x: keras.KerasTensor, channels: int, stride: int = 1) -> keras.KerasTensor:
    """Depthwise 3x3, then pointwise convolution; both with batch normalization and ReLU."""
    x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    return conv_block(x, 1, channels)


def build_model() -> keras.Model:
    """Build the untrained network: a convolution, four separable blocks, one of them residual, a classifier."""
    inputs = keras.Input((8, 8, 1), name="image")
    x = conv_block(inputs, 3, 24)
    x = separable_block(x, 32)
    x = layers.Add()([x, separable_block(x, 32)])
    x = separable_block(x, 64, stride=2)
    x = separable_block(x, 64)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    outputs = layers.Dense(10, activation="softmax", name="digit")(x)
    return keras.Model(inputs, outputs, name="digits")


def main() -> None:
    """Train, save the model and both sets of images, and print the accuracy on the test images."""
    keras.utils.set_random_seed(SEED)
    images, labels = load_images()
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=TEST_IMAGES, random_state=SEED, stratify=labels
    )
    model = build_model()
    steps = EPOCHS * -(-len(train_x) // BATCH)
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    random = np.random.default_rng(SEED)
    for epoch in range(EPOCHS):
        history = model.fit(shift(train_x, random), train_y, batch_size=BATCH, verbose=0)
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1:3d}  loss {history.history['loss'][0]:.4f}")
    _, accuracy = model.evaluate(test_x, test_y, verbose=0)
    print(f"{model.count_params()} parameters, {accuracy:.2%} of {len(test_x)} test images right")

    build = build_model()  # saved without the optimizer, whose state would treble the file
    build.set_weights(model.get_weights())
    build.save(HERE / "digits.keras")
    np.savez_compressed(HERE / "calibration.npz", x=train_x[:CALIBRATION_IMAGES], y=train_y[:CALIBRATION_IMAGES])
    np.savez_compressed(HERE / "test.npz", x=test_x, y=test_y)


if __name__ == "__main__":
    main()
