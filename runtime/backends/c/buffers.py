"""A model's inputs and outputs as the generated C presents them."""

from __future__ import annotations

from dataclasses import dataclass

from midge.runtime import native
from midge.runtime.graph import Tensor
from midge.runtime.passes.plan_memory import Plan
from midge.runtime.program import Program


@dataclass(frozen=True, eq=False)
class InterfaceBuffer:
    """One input or output."""

    role: str
    """`input` or `output`, with its number where there are several: `input`, `output_1`."""
    function: str
    """The C function that returns its address."""
    macro: str
    """What its constants in the header begin with: `MODEL_INPUT`."""
    c_type: str
    tensor: Tensor
    offset: int
    """Bytes from the start of the arena."""

    @property
    def quantized(self) -> bool:
        """Whether real values are converted with one scale and one zero point to an 8- or 16-bit integer."""
        quantization = self.tensor.quantization
        return (
            quantization is not None
            and quantization.per_tensor
            and self.tensor.dtype.value in ("int8", "uint8", "int16", "uint16")
        )


def buffers(program: Program, plan: Plan, name: str) -> tuple[InterfaceBuffer, ...]:
    """Return the inputs, then the outputs, in the order of the model's file."""
    return (
        *_side(program, plan, name, "input", program.graph.inputs),
        *_side(program, plan, name, "output", program.graph.outputs),
    )


def _side(program: Program, plan: Plan, name: str, side: str, indices: tuple[int, ...]) -> tuple[InterfaceBuffer, ...]:
    result = []
    for number, index in enumerate(indices):
        tensor = program.graph.tensors[index]
        role = side if len(indices) == 1 else f"{side}_{number}"
        result.append(
            InterfaceBuffer(
                role=role,
                function=f"{name}_{role}",
                macro=f"{name}_{role}".upper(),
                c_type=native.c_type(tensor.dtype.value),
                tensor=tensor,
                offset=plan.offsets[index],
            )
        )
    return tuple(result)
