"""What of a Keras model can be taken out: groups of channels that stand or fall together, and whole blocks.

A residual addition ties the channels of its operands, a depthwise filter belongs to the channel that it reads, a batch
normalisation's parameters to the channel that they scale: a `Group` lists every slice of every variable that one
channel owns, so that taking it out leaves a smaller model of the same structure.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Slice:
    """The part of one variable that belongs to the channels of a group."""

    layer: str
    """Path of the layer: its name, after the names of the nested models and wrappers it is in ("nested/conv1")."""
    variable: str
    """Name within the layer: "kernel", "bias", "gamma", "moving_mean", "recurrent_kernel", ..."""
    axis: int
    """Axis of the variable, at least 0."""
    positions: tuple[tuple[int, ...], ...]
    """For each channel of the group the indices along `axis` that it owns.

    There are several where a layer spreads a channel: `Flatten` over the pixels, an LSTM unit over four gates.
    """


@dataclass(frozen=True)
class Carrier:
    """A tensor in which the channels of a group travel, along its last axis."""

    layer: str
    """Path of the layer (or operation) that returns the tensor."""
    call: int
    """Which of the layer's calls in the graph, from 0: more than one for a shared layer."""
    output: int
    """Which of the tensors that the call returns."""
    positions: tuple[tuple[int, ...], ...]
    """For each channel of the group the indices along the last axis that carry it."""


@dataclass(frozen=True)
class Group:
    """Channels that can be taken out one by one, each with everything that computes and reads it."""

    name: str
    """Path of the first layer that computes the channels, with "#2" and so on where a layer begins several groups."""
    size: int
    """Channels; at least one of them has to stay."""
    produces: tuple[Slice, ...]
    """What computes the channels: filters, biases, depthwise filters, batch normalisation, recurrent units."""
    consumes: tuple[Slice, ...]
    """What reads them. With these slices at zero, the model's outputs do not depend on the channels."""
    tensors: tuple[Carrier, ...]
    """Where the channels are seen, in the order of the graph: the output of the first layer comes first."""


@dataclass(frozen=True)
class Block:
    """A residual branch: what is added to a shortcut of its shape, so that the shortcut alone can take its place."""

    name: str
    """Path of the addition."""
    layers: tuple[str, ...]
    """Paths of the layers that go with the branch, in the order of the graph, the addition last."""
