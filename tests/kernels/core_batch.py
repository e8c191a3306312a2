"""Kernel calls as data: the memory that the firmware of `core_image.py` works through, and what it must look like then.

Everything that nobody set is random: bytes around a buffer that a kernel uses by mistake change its result, and any
byte that changes and should not is found, wherever it lies.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from core_image import prototypes

from midge.runtime import native
from midge.runtime.graph import Graph
from midge.runtime.program import KernelCall, ParamValue

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]

GAP = 32
"""Least bytes between two objects."""
WORD = 4
"""Alignment of tensors and constants, as in generated projects; wider elements are aligned to their size."""
SCRATCH_ALIGNMENT = 16
HEADER_WORDS = 4
JOB_POINTERS = 2


class FullError(Exception):
    """No room is left in the batch."""


@dataclass(frozen=True)
class Output:
    """A tensor that kernels write."""

    address: int
    wanted: Array
    exact: bool
    """Whether it must be equal bit for bit; if not, the caller judges."""


@dataclass
class Run:
    """One way to compute one layer: consecutive jobs."""

    label: str
    """What to say of it when it differs."""
    way: str
    """For counting: variant and kernel."""
    first_job: int
    end_job: int
    outputs: list[Output]
    free: list[tuple[int, int]]
    """(address, bytes) of memory that may hold anything afterwards."""
    found: list[Array] = field(default_factory=list)
    """What the kernels made of the outputs; filled in by `Batch.judge`."""


class Batch:
    """The window's contents before and after, growing from both sides: jobs after the header, objects behind them."""

    def __init__(
        self,
        address: int,
        size: int,
        kernels: Sequence[str],
        jobs: int,
        rng: np.random.Generator,
        page: int = 0,
        pointer: int = 4,
    ) -> None:
        """Begin an empty batch.

        Args:
            address: where the window begins.
            size: its bytes.
            kernels: the firmware's, by number.
            jobs: most kernel calls.
            rng: for the bytes that nobody sets.
            page: if not 0, every object ends where a page of so many bytes begins that nobody may touch.
            pointer: bytes of a pointer, 4 or 8.
        """
        self.address = address
        self.memory: Bytes = np.frombuffer(bytearray(rng.bytes(size)), np.uint8)
        self._numbers = {kernel: number for number, kernel in enumerate(kernels)}
        self._jitter = rng
        self._jobs: list[tuple[int, int]] = []
        self._most_jobs = jobs
        self._pointer = pointer
        self._word = np.dtype(f"<u{pointer}")
        self._at = 4 * HEADER_WORDS + jobs * JOB_POINTERS * pointer
        self.page = page
        self.guards: list[int] = []
        """Addresses of the pages that nobody may touch."""
        self.runs: list[Run] = []
        self._starts: list[int] = []

    @property
    def jobs(self) -> int:
        """Kernel calls so far."""
        return len(self._jobs)

    @property
    def used(self) -> int:
        """Bytes from the beginning that matter."""
        return self._at + GAP

    # ---- Filling --------------------------------------------------------------------------------------------------

    def add(
        self,
        label: str,
        way: str,
        calls: Sequence[KernelCall],
        graph: Graph,
        feeds: Mapping[int, Array],
        wanted: Mapping[int, Array],
        exact: bool,
        overlap: tuple[int, int] | None = None,
    ) -> None:
        """Append one way to compute a layer.

        Args:
            label: what to say of it when it differs.
            way: under what name to count it.
            calls: the kernels.
            graph: whose tensors they work on.
            feeds: values of the tensors that are not constant and not outputs.
            wanted: the expected value of every output, by tensor.
            exact: whether outputs must be equal bit for bit.
            overlap: (input tensor, bytes), if given: output 0 lies in this input's memory, so many bytes before it.

        Raises:
            FullError: it has not been added, since there is no room for it.
        """
        at, jobs, guards = self._at, len(self._jobs), len(self.guards)
        try:
            self._add(label, way, calls, graph, feeds, wanted, exact, overlap)
        except FullError:
            self._at = at
            del self._jobs[jobs:], self.guards[guards:]
            raise
        self._starts.append(at)
        self.runs[-1].free += [(page, self.page) for page in self.guards[guards:]]

    def change_argument(self, job: int, position: int, pointer: int) -> None:
        """Give a job another pointer: what a harness must notice can be tried with this."""
        self._put(self._jobs[job][1] + self._pointer * position, np.array([pointer], self._word))

    def _add(
        self,
        label: str,
        way: str,
        calls: Sequence[KernelCall],
        graph: Graph,
        feeds: Mapping[int, Array],
        wanted: Mapping[int, Array],
        exact: bool,
        overlap: tuple[int, int] | None,
    ) -> None:
        if len(self._jobs) + len(calls) > self._most_jobs:
            raise FullError
        places: dict[int, int] = {}
        free: list[tuple[int, int]] = []
        outputs: list[Output] = []
        if overlap is not None:
            (source, lead), output = overlap, next(iter(wanted))
            sizes = graph.tensors[source].nbytes, graph.tensors[output].nbytes
            alignment = max(WORD, *(graph.tensors[index].dtype.itemsize for index in (source, output)))
            whole = max(lead + sizes[0], sizes[1])
            places[output] = self._take(whole, alignment)
            places[source] = places[output] + lead
            self._put(places[source], feeds[source])
            free.append((places[output] + sizes[1], whole - sizes[1]))
        for index, value in wanted.items():
            if index not in places:
                places[index] = self._take(value.nbytes, max(WORD, value.itemsize))
            outputs.append(Output(places[index], value, exact))
        first = len(self._jobs)
        for call in calls:
            arguments = [self._params(call)]
            for index in (*call.inputs, *call.outputs):
                if index not in places:
                    data = graph.tensors[index].data
                    places[index] = self._store(feeds[index] if data is None else data)
                arguments.append(places[index])
            expected_arguments = prototypes()[call.kernel]
            if expected_arguments > len(arguments):
                if call.scratch:
                    scratch = self._take(call.scratch, SCRATCH_ALIGNMENT)
                    free.append((scratch, call.scratch))
                    arguments.append(scratch)
                else:
                    arguments.append(0)
            else:
                assert not call.scratch, f"{call.kernel} takes no scratch buffer"
            assert len(arguments) == expected_arguments, f"{call.kernel} takes {expected_arguments} arguments"
            self._jobs.append((self._numbers[call.kernel], self._store(np.array(arguments, self._word))))
        self.runs.append(Run(label, way, first, len(self._jobs), outputs, free))

    def _take(self, size: int, alignment: int) -> int:
        """Set memory aside, at times more aligned than asked for and at times not, and return its address."""
        start = self.address + self._at + GAP + WORD * int(self._jitter.integers(0, 4))
        start += -start % alignment
        if self.page:
            end = start + size + -(start + size) % self.page
            start = end - size - (end - size) % alignment
            if end + self.page + GAP > self.address + len(self.memory):
                raise FullError
            self.guards.append(end)
            self._at = end + self.page - self.address
            return start
        if start + size + GAP > self.address + len(self.memory):
            raise FullError
        self._at = start + size - self.address
        return start

    def _put(self, address: int, data: Array) -> None:
        content = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
        begin = address - self.address
        self.memory[begin : begin + len(content)] = content

    def _store(self, data: Array, alignment: int = WORD) -> int:
        address = self._take(data.nbytes, max(alignment, data.itemsize))
        self._put(address, data)
        return address

    def _params(self, call: KernelCall) -> int:
        """Write a parameter structure and the constants that it points to, as the core's compiler lays it out."""
        ctype = native.interface().typeof(f"{call.kernel}_params")
        size, alignment = size_of(ctype, self._pointer)
        content = bytearray(size)
        self._fill(content, 0, ctype, call.params)
        return self._store(np.frombuffer(bytes(content), np.uint8), max(WORD, alignment))

    def _fill(self, content: bytearray, offset: int, ctype: Any, value: ParamValue) -> None:
        if ctype.kind == "pointer":
            address = self._store(value) if isinstance(value, np.ndarray) and value.size else 0
            struct.pack_into({4: "<I", 8: "<Q"}[self._pointer], content, offset, address)
        elif ctype.kind == "array":
            assert isinstance(value, (tuple, list, bytes))
            size = size_of(ctype.item, self._pointer)[0]
            for position, element in enumerate(value):
                self._fill(content, offset + position * size, ctype.item, element)
        elif ctype.kind == "struct":
            fields = offsets(ctype, self._pointer)
            items = value.items() if isinstance(value, Mapping) else zip(fields, value, strict=False)  # type: ignore[arg-type]
            for name, inner in items:
                at, member = fields[name]
                self._fill(content, offset + at, member, inner)
        else:
            struct.pack_into("<" + _FORMATS[ctype.cname], content, offset, value)

    # ---- Running --------------------------------------------------------------------------------------------------

    def seal(self, leave: bool) -> Bytes:
        """Write header and jobs and return the bytes for the window; `leave` ends the emulator after the last job."""
        header = np.array([0, len(self._jobs), int(leave), 0], np.uint32)
        self._put(self.address, header)
        self._put(self.address + 4 * HEADER_WORDS, np.array(self._jobs, self._word))
        return self.memory[: self.used]

    def run_at(self, job: int) -> Run:
        """Return the run that a job belongs to."""
        return next(run for run in self.runs if run.first_job <= job < run.end_job)

    def judge(self, after: Bytes, skipped: Sequence[Run] = ()) -> list[tuple[Run, str]]:
        """Compare the window's contents after all jobs with what they must be.

        Args:
            after: the bytes of the window.
            skipped: runs whose jobs did not end, and which are not judged.

        Returns:
            What differs, in words. Outputs that are not exact are left in `Run.found` for the caller to judge.
        """
        wanted = self.memory[: self.used].copy()
        wanted[: 4 * HEADER_WORDS] = after[: 4 * HEADER_WORDS]
        for run in self.runs:
            for address, size in run.free:
                at = address - self.address
                wanted[at : at + size] = after[at : at + size]
            for output in run.outputs:
                at, size = output.address - self.address, output.wanted.nbytes
                content = np.frombuffer(np.ascontiguousarray(output.wanted).tobytes(), np.uint8)
                if output.exact:
                    wanted[at : at + size] = content
                else:
                    wanted[at : at + size] = after[at : at + size]
                    run.found.append(after[at : at + size].view(output.wanted.dtype).reshape(output.wanted.shape))
        wrong = np.flatnonzero(wanted != after)
        differences: list[tuple[Run, str]] = []
        owners = np.searchsorted(np.array(self._starts), wrong, side="right") - 1
        for owner in np.unique(owners):
            run = self.runs[max(int(owner), 0)]
            if run not in skipped:
                differences.append((run, self._describe(run, wrong[owners == owner], after)))
        return differences

    def _describe(self, run: Run, wrong: npt.NDArray[np.intp], after: Bytes) -> str:
        for position, output in enumerate(run.outputs):
            begin = output.address - self.address
            inside = wrong[(wrong >= begin) & (wrong < begin + output.wanted.nbytes)]
            if len(inside):
                size = output.wanted.itemsize
                elements = np.unique((inside - begin) // size)
                first = int(elements[0])
                found = after[begin : begin + output.wanted.nbytes].view(output.wanted.dtype)
                return (
                    f"output {position}: {len(elements)} of {output.wanted.size} elements differ, the first at {first}:"
                    f" expected {output.wanted.ravel()[first]}, found {found[first]}"
                )
        places = [(output.address - self.address, output.wanted.nbytes, f"output {position}")
                  for position, output in enumerate(run.outputs)]  # fmt: skip
        places += [(address - self.address, size, "the scratch buffer") for address, size in run.free]
        first = int(wrong[0])
        begin, size, name = min(places, key=lambda place: abs(place[0] - first))
        return f"{len(wrong)} bytes written outside, the first {first - begin} bytes from the start of {name} of {size}"


_FORMATS = {
    "int8_t": "b", "uint8_t": "B", "int16_t": "h", "uint16_t": "H", "int32_t": "i", "uint32_t": "I", "float": "f",
}  # fmt: skip


def size_of(ctype: Any, pointer: int) -> tuple[int, int]:
    """Return size and alignment of a C type where pointers have so many bytes and alignment is natural."""
    if ctype.kind == "pointer":
        return pointer, pointer
    if ctype.kind == "array":
        size, alignment = size_of(ctype.item, pointer)
        return size * ctype.length, alignment
    if ctype.kind == "struct":
        end, alignment = 0, 1
        for at, member in offsets(ctype, pointer).values():
            size, own = size_of(member, pointer)
            end, alignment = at + size, max(alignment, own)
        return end + -end % alignment, alignment
    size = int(native.interface().sizeof(ctype))
    return size, size


def offsets(ctype: Any, pointer: int) -> dict[str, tuple[int, Any]]:
    """Return byte offset and type of a structure's fields where pointers have so many bytes."""
    if (ctype, pointer) not in _OFFSETS:
        fields: dict[str, tuple[int, Any]] = {}
        end = 0
        for name, member in ctype.fields:
            size, alignment = size_of(member.type, pointer)
            end += -end % alignment
            fields[name] = (end, member.type)
            end += size
        _OFFSETS[ctype, pointer] = fields
    return _OFFSETS[ctype, pointer]


_OFFSETS: dict[tuple[Any, int], dict[str, tuple[int, Any]]] = {}
