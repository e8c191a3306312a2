"""Structured pruning: taking channels and blocks out of a Keras model, which stays an ordinary, smaller model.

`find_groups` and `find_blocks` say what can go, `unprunable` why the rest cannot, `remove_channels` and `remove_blocks`
make the smaller model. `prune` does it all, to a budget and with training. Importing this imports neither Keras nor
TensorFlow.
"""

from midge.converter.prune.analysis import find_groups, unprunable
from midge.converter.prune.api import prune
from midge.converter.prune.blocks import find_blocks
from midge.converter.prune.groups import Block, Carrier, Group, Slice
from midge.converter.prune.rebuild import remove_blocks, remove_channels

__all__ = [
    "Block",
    "Carrier",
    "Group",
    "Slice",
    "find_blocks",
    "find_groups",
    "prune",
    "remove_blocks",
    "remove_channels",
    "unprunable",
]
