"""Look into a `.tflite` file that was just made, through LiteRT's flatbuffer schema.

These files come from TensorFlow's converter a moment earlier; files from elsewhere go through `midge.runtime.tflite`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ai_edge_litert import schema_py_generated as schema

_NAMES: dict[int, str] = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}


@dataclass(frozen=True)
class Operator:
    """One operator of the main subgraph: its name, and the tensors that it writes as indices and names.

    ``shape`` is that of the first of them.
    """

    name: str
    outputs: tuple[int, ...]
    output_names: tuple[str, ...]
    shape: tuple[int, ...]


def operators(content: bytes) -> list[Operator]:
    """List the operators of the main subgraph in order of execution."""
    model = schema.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    found = []
    for op in _each(graph, "Operators"):
        outputs = tuple(int(i) for i in op.OutputsAsNumpy())
        names = tuple(graph.Tensors(i).Name().decode() for i in outputs)
        shape = tuple(int(n) for n in graph.Tensors(outputs[0]).ShapeAsNumpy()) if outputs else ()
        found.append(Operator(_operator_name(model, op), outputs, names, shape))
    return found


def count_operators(content: bytes) -> dict[str, int]:
    """Count the operators of all subgraphs by name, most frequent first."""
    model = schema.Model.GetRootAs(content, 0)
    counts = Counter(
        _operator_name(model, op) for graph in _each(model, "Subgraphs") for op in _each(graph, "Operators")
    )
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def order_ends(content: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """Put the main subgraph's inputs and outputs into the order of these names.

    TensorFlow's converter lists them in an order of its own; the signature says which is which.
    """
    edited = bytearray(content)
    model = schema.Model.GetRootAs(edited, 0)
    graph = model.Subgraphs(0)
    for field, names in (("Inputs", inputs), ("Outputs", outputs)):
        index_of = {name: index for index, name in _signature(model, field).items()}
        wanted = [index_of[name] for name in names if name in index_of]
        indices = getattr(graph, f"{field}AsNumpy")()  # a view into `edited`
        if len(names) > 1 and sorted(wanted) == sorted(int(i) for i in indices):
            indices[:] = wanted
    return bytes(edited)


def input_tensors(content: bytes) -> dict[int, str]:
    """Map the indices of the tensors that are inputs to the inputs' names in the signature."""
    return _signature(schema.Model.GetRootAs(content, 0), "Inputs")


def output_tensors(content: bytes) -> dict[int, str]:
    """Map the indices of the tensors that are outputs to the outputs' names in the signature."""
    return _signature(schema.Model.GetRootAs(content, 0), "Outputs")


def _signature(model: Any, field: str) -> dict[int, str]:
    if model.SignatureDefsLength() == 0:
        return {}
    return {item.TensorIndex(): item.Name().decode() for item in _each(model.SignatureDefs(0), field)}


def _operator_name(model: Any, op: Any) -> str:
    code = model.OperatorCodes(op.OpcodeIndex())
    builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if builtin == schema.BuiltinOperator.CUSTOM:
        return str(code.CustomCode().decode())
    return _NAMES.get(builtin, f"BUILTIN_{builtin}")


def _each(owner: Any, field: str) -> Iterator[Any]:
    for i in range(getattr(owner, f"{field}Length")()):
        yield getattr(owner, field)(i)
