"""What can be known of a model without building it: its operators, their plan in memory, and whether it fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from midge.runtime.backends.backend import TensorInfo, describe
from midge.runtime.backends.c.emit_constants import constant_bytes
from midge.runtime.backends.c.target import arch_for
from midge.runtime.board import Board
from midge.runtime.errors import UnsupportedError
from midge.runtime.graph import Graph
from midge.runtime.lower import lower_node
from midge.runtime.passes import run_passes
from midge.runtime.passes.plan_memory import Plan, plan_memory
from midge.runtime.program import Program, Step, Target
from midge.runtime.tflite.reader import read_file

_LISTED = 8
"""Operators that one line of a message names."""


@dataclass(frozen=True)
class OperatorRow:
    """One operator of the file."""

    index: int
    kind: str
    dtype: str
    """Type of its first output."""
    name: str
    shape: tuple[int, ...]
    macs: int | None
    """Multiply-accumulate operations of one inference; None where the operator is not supported."""
    executed_macs: int
    """What the passes leave of them."""
    kernel: str
    """What runs it; `-` where nothing does."""
    reason: str | None
    """Why it is not supported."""


@dataclass(frozen=True, eq=False)
class Inspection:
    """Everything that `midge inspect` prints."""

    file: str
    graph: Graph
    """As the file has it."""
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    operators: tuple[OperatorRow, ...]
    program: Program | None
    """None where an operator is not supported: then there is no plan either."""
    plan: Plan | None
    weights: int | None
    """Bytes of read-only memory that the model's constants take on a 32-bit board."""
    fits: bool | None
    """Whether it runs on the board; None without a board."""
    reasons: tuple[str, ...]
    """Why it does not."""

    @property
    def unsupported(self) -> tuple[OperatorRow, ...]:
        """The operators that no kernel covers."""
        return tuple(row for row in self.operators if row.reason is not None)

    def refusals(self) -> tuple[str, ...]:
        """Return why operators are not supported, in words; operators of one kind with one reason share a line."""
        groups: dict[tuple[str, str], list[int]] = {}
        for row in self.unsupported:
            groups.setdefault((row.kind, row.reason or ""), []).append(row.index)
        return tuple(
            f"operator{'s' if len(indices) > 1 else ''} {_some(indices)} ({kind}): {reason}"
            for (kind, reason), indices in groups.items()
        )

    def document(self) -> dict[str, Any]:
        """Return the JSON document; what is not known is null."""
        return {
            "schema": 1,
            "model": {"file": self.file, "sha256": self.graph.sha256},
            "inputs": [_tensor(info) for info in self.inputs],
            "outputs": [_tensor(info) for info in self.outputs],
            "operators": [
                {
                    "index": row.index,
                    "op": row.kind,
                    "dtype": row.dtype,
                    "macs": row.macs,
                    "supported": row.reason is None,
                    "reason": row.reason,
                }
                for row in self.operators
            ],
            "macs": None if self.program is None else self.program.macs,
            "arena": None if self.plan is None else self.plan.arena,
            "scratch": None if self.plan is None else self.plan.scratch,
            "weights": self.weights,
            "fits": self.fits,
            "reasons": list(self.reasons),
        }


def inspect_model(
    path: Path, board: Board | None, after_pass: Callable[[str, Graph], None] | None = None
) -> Inspection:
    """Inspect a `.tflite` file.

    Args:
        path: the file.
        board: whose kernels and memories count; without one the portable kernels.
        after_pass: called with each pass's name and its result.

    Raises:
        InputError: the file cannot be read or is not a model.
        UnsupportedError: it holds something that cannot even be read, such as sparse constants.
    """
    graph = read_file(path)
    target = Target(arch=arch_for(board.cpu)) if board is not None else Target()
    counted: dict[int, int] = {}

    def note(name: str, result: Graph) -> None:
        if name == "count_macs":
            counted.update({operator.index: operator.macs or 0 for operator in result.operators})
        if after_pass is not None:
            after_pass(name, result)

    prepared = run_passes(graph, note)
    rows, steps = _lower_all(prepared, target)
    # Passes may make another operator of one; users know what the file has.
    kinds = {operator.index: operator.kind for operator in graph.operators}
    rows = [row if row.kind == "COPY" else replace(row, kind=kinds[row.index]) for row in rows]
    rows += _left_out(graph, prepared, counted)
    rows.sort(key=lambda row: row.index)

    program = plan = weights = None
    if len(steps) == len(prepared.operators):
        program = Program(prepared, target, tuple(steps))
        plan = plan_memory(program)
        weights = constant_bytes(program)
    reasons = [f"operator {row.index} ({row.kind}): {row.reason}" for row in rows if row.reason is not None]
    if board is not None and plan is not None and weights is not None:
        reasons += _find_shortages(board, plan, weights)
    return Inspection(
        file=path.name,
        graph=graph,
        inputs=tuple(describe(prepared.tensors[index]) for index in prepared.inputs),
        # Passes may put a copy in front of an output; users know the name that the file gives it.
        outputs=tuple(describe(graph.tensors[index]) for index in graph.outputs),
        operators=tuple(rows),
        program=program,
        plan=plan,
        weights=weights,
        fits=None if board is None else not reasons,
        reasons=tuple(reasons),
    )


def _lower_all(graph: Graph, target: Target) -> tuple[list[OperatorRow], list[Step]]:
    """Lower every operator that a kernel covers, and say of each other one why not."""
    rows: list[OperatorRow] = []
    steps: list[Step] = []
    for node in graph.nodes():
        output = node.output()
        step = reason = None
        try:
            step = lower_node(node, target)
            steps.append(step)
        except UnsupportedError as error:
            reason = str(error).removeprefix(f"{node.location}: ")
        rows.append(
            OperatorRow(
                index=node.operator.index,
                kind=node.operator.kind,
                dtype=output.dtype.value,
                name=output.name,
                shape=output.shape,
                macs=None if step is None else step.macs,
                executed_macs=0 if step is None else step.executed_macs,
                kernel="-" if step is None else step.kernel,
                reason=reason,
            )
        )
    return rows, steps


def _left_out(graph: Graph, prepared: Graph, counted: Mapping[int, int]) -> list[OperatorRow]:
    """Return the operators of the file that the passes have computed or dropped: nothing is left to do for them.

    Args:
        graph: the file's.
        prepared: what the passes made of it.
        counted: the multiply-accumulate operations of operators that are work in the file, by index.
    """
    kept = {operator.index for operator in prepared.operators}
    return [
        OperatorRow(
            index=node.operator.index,
            kind=node.operator.kind,
            dtype=node.output().dtype.value,
            name=node.output().name,
            shape=node.output().shape,
            macs=counted.get(node.operator.index, 0),
            executed_macs=0,
            kernel="-",
            reason=None,
        )
        for node in graph.nodes()
        if node.operator.index not in kept
    ]


def _some(indices: list[int]) -> str:
    listed = ", ".join(str(index) for index in indices[:_LISTED])
    return listed if len(indices) <= _LISTED else f"{listed} and {len(indices) - _LISTED} more"


def _find_shortages(board: Board, plan: Plan, weights: int) -> list[str]:
    """Return what does not fit, in words; code, stack and other variables, which come on top, are not counted."""
    reasons = []
    memory = board.arena_memory(plan.total)
    if plan.total > memory.size:
        reasons.append(
            f"arena and scratch take {plan.total:,} bytes, {plan.total - memory.size:,} more than the "
            f"{memory.size:,} of {memory.name} on {board.name}"
        )
    if weights > board.flash.size:
        reasons.append(
            f"weights take {weights:,} bytes, {weights - board.flash.size:,} more than the {board.flash.size:,} of "
            f"{board.flash.name} on {board.name}"
        )
    return reasons


def _tensor(info: TensorInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "shape": list(info.shape),
        "dtype": info.dtype,
        "scale": info.scale,
        "zero_point": info.zero_point,
    }
