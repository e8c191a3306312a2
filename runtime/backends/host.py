"""The host runtime: walks the plan through the C kernels, in an arena laid out as on the board."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from midge.runtime.backends.backend import TensorInfo, describe
from midge.runtime.errors import InputError
from midge.runtime.graph import Array
from midge.runtime.interpret import BoundCall, aligned_bytes, bind
from midge.runtime.passes.plan_memory import Plan, plan_memory
from midge.runtime.program import Program

ARENA_ALIGNMENT = 64


class HostBackend:
    """A program bound to memory and ready to run."""

    def __init__(self, program: Program, *, keep_tensors: bool = False) -> None:
        """Plan and bind `program`.

        Args:
            program: what to run.
            keep_tensors: give every tensor memory of its own, so that `tensor` works after a run.
        """
        graph = program.graph
        self.program = program
        self.plan: Plan = plan_memory(program, share=not keep_tensors, thorough=False)
        self._keep_tensors = keep_tensors
        self._arena = aligned_bytes(self.plan.total, ARENA_ALIGNMENT)
        self._views = {index: self._view(index) for index in self.plan.offsets}
        self._constants: dict[int, Array] = {}
        self._inputs = [self._views[index] for index in graph.inputs]
        self._outputs = [self._views[index] for index in graph.outputs]
        self._steps: list[list[BoundCall]] = []
        for position, step in enumerate(program.steps):
            scratch = self._scratch(position, step.scratch)
            self._steps.append([bind(call, self._buffer, scratch if call.scratch else None) for call in step.calls])
        self._flat = [(call.function, call.arguments) for calls in self._steps for call in calls]

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The model's inputs, in the file's order."""
        return tuple(describe(self.program.graph.tensors[index]) for index in self.program.graph.inputs)

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The model's outputs, in the file's order."""
        return tuple(describe(self.program.graph.tensors[index]) for index in self.program.graph.outputs)

    def invoke(self, arrays: Sequence[Array]) -> list[Array]:
        """Run once; see `Backend.invoke`."""
        for view, array in zip(self._inputs, arrays, strict=True):
            view[...] = array
        for function, arguments in self._flat:
            function(*arguments)
        return [view.copy() for view in self._outputs]

    def reset(self) -> None:
        """Clear all state; no kernel keeps any yet, so only the arena is cleared."""
        self._arena[:] = 0

    def tensor(self, index: int) -> Array:
        """Return a copy of any tensor as the last run left it.

        Args:
            index: position in the graph.

        Raises:
            InputError: the backend was not made with `keep_tensors`, or the tensor takes part in no step.
        """
        data = self.program.graph.tensors[index].data
        if data is not None:
            return data
        if not self._keep_tensors or index not in self._views:
            raise InputError("intermediate tensors are overwritten; load the model with keep_tensors=True to read them")
        return self._views[index].copy()

    def time_steps(self, repetitions: int) -> list[float]:
        """Return the seconds that each step of the program takes, the least of `repetitions` runs.

        The inputs are whatever the last run left in the arena: integer kernels take the same time for any values.
        """
        best = [float("inf")] * len(self._steps)
        for _ in range(repetitions):
            for position, calls in enumerate(self._steps):
                begin = time.perf_counter()
                for call in calls:
                    call.run()
                best[position] = min(best[position], time.perf_counter() - begin)
        return best

    def _view(self, index: int) -> Array:
        tensor = self.program.graph.tensors[index]
        start = self.plan.offsets[index]
        return self._arena[start : start + tensor.nbytes].view(tensor.dtype.numpy).reshape(tensor.shape)

    def _buffer(self, index: int) -> Array:
        data = self.program.graph.tensors[index].data
        if data is None:
            return self._views[index]
        if index not in self._constants:
            self._constants[index] = np.ascontiguousarray(data)
        return self._constants[index]

    def _scratch(self, position: int, size: int) -> Array | None:
        if not size:
            return None
        start = self.plan.scratch_offsets[position]
        return self._arena[start : start + size]
