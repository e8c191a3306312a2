"""The lowered model: which kernels run in which order, with which parameters.

The host runtime and the C emitter both walk a `Program`; neither knows what an operator is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from midge.runtime.graph import Array, Graph

ParamValue = int | float | Array | tuple[int, ...] | Mapping[str, Any] | None
"""A field of a kernel's parameter structure.

A NumPy array becomes a pointer to a constant in read-only memory, a tuple an inline array, a mapping of more such
values a structure inside the structure, None a null pointer.
"""


@dataclass(frozen=True)
class Target:
    """What kernels are chosen and constants packed for."""

    arch: str = "portable"
    """Whose inner loops run, a key of `midge.runtime.arches.ARCHES`."""
    optimize: str = "default"
    """`default`, `speed`, `size` or `ram`."""


@dataclass(frozen=True, eq=False)
class KernelCall:
    """One call of a C kernel: `kernel(&params, inputs..., outputs...[, scratch])`.

    The parameters' C type is `<kernel>_params`; the arguments' order and types are the prototype's in `kernels.h`.
    """

    kernel: str
    params: Mapping[str, ParamValue]
    inputs: tuple[int, ...]
    """Tensor positions in the graph; a constant tensor is allowed."""
    outputs: tuple[int, ...]
    scratch: int = 0
    """Bytes of temporary memory, 16-byte aligned; exactly what the kernel touches."""
    lead: int | None = None
    """If not None, output 0 may overlap input 0 where it starts at least this many bytes before it: the kernel has
    read for the last time whatever it then overwrites."""
    in_place: bool = False
    """Whether output 0 may start at input 0's first byte, even where no greater distance will do: in NHWC the channels
    of one tensor then lie where those of the other do."""

    def constants(self) -> dict[str, Array]:
        """The parameters that are arrays in read-only memory, by field name."""
        return {name: value for name, value in self.params.items() if isinstance(value, np.ndarray)}


@dataclass(frozen=True)
class Choice:
    """How one operator shall be computed."""

    variant: str
    """Name of one of its variants."""
    specialised: bool = False
    """Whether the C emitter writes an instance of the kernels for this layer alone, with its constants folded in."""


@dataclass(frozen=True, eq=False)
class Step:
    """One operator, lowered. A step without calls only renames its input."""

    index: int
    """Position of the operator in the model file."""
    kind: str
    name: str
    """Name of the first output tensor."""
    inputs: tuple[int, ...]
    """Tensors read, constants left out."""
    outputs: tuple[int, ...]
    calls: tuple[KernelCall, ...]
    macs: int = 0
    """Multiply-accumulate operations that the model file asks of the operator."""
    executed_macs: int = 0
    """What the passes left of them."""
    variant: str = "plain"
    """Which way of computing the operator was chosen; see `operators/variants/`."""
    specialised: bool = False
    """See `Choice.specialised`."""
    in_place: tuple[tuple[int, int], ...] = ()
    """(input tensor, output tensor) pairs that may share their first byte because the kernel allows it."""
    alias_of: int | None = None
    """Tensor whose memory output 0 is, under another shape (RESHAPE and its kin); such a step has no calls."""
    alias_offset: int = 0
    """Bytes from there to output 0, where it is only a part of it."""
    parts: tuple[tuple[int, int], ...] = ()
    """Tensors that lie in output 0, and at which bytes; such a step has no calls either."""

    @property
    def kernel(self) -> str:
        """The kernels of the step, for tables: joined by `+`, `-` for none."""
        return "+".join(dict.fromkeys(call.kernel for call in self.calls)) or "-"

    @property
    def lead(self) -> int | None:
        """How far output 0 must start before input 0 for the two to overlap; None where they may not.

        See `KernelCall.lead`. Only a step of one call can tell.
        """
        return self.calls[0].lead if len(self.calls) == 1 else None

    @property
    def scratch(self) -> int:
        """Bytes of temporary memory that the step needs."""
        return max((call.scratch for call in self.calls), default=0)


@dataclass(frozen=True, eq=False)
class Program:
    """A graph lowered for a target."""

    graph: Graph
    target: Target
    steps: tuple[Step, ...] = field(default=())

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations of one inference as the model file has it; the passes may leave fewer."""
        return sum(step.macs for step in self.steps) if self.graph.macs is None else self.graph.macs

    @property
    def executed_macs(self) -> int:
        """Multiply-accumulate operations that one inference carries out."""
        return sum(step.executed_macs for step in self.steps)
