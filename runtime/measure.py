"""One inference, measured: what `midge profile` finds out, and the JSON that says it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from midge.runtime.arrays import first_sample
from midge.runtime.backends.c.sizes import FlashSizes
from midge.runtime.comparison import ComparingBackend, Difference
from midge.runtime.emulators.cycles import SOURCE as CYCLE_MODEL
from midge.runtime.firmware import EmulatedBackend, Firmware
from midge.runtime.graph import Array
from midge.runtime.latency import INSTRUCTIONS, Range, latency
from midge.runtime.model import Model

POWER_SPREAD = 0.085
"""Relative spread of a board's mean power over the published MLPerf Tiny runs: it hardly depends on the network."""


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs."""

    index: int
    """Position of the operator in the model file."""
    op: str
    name: str
    kernel: str
    macs: int
    instructions: int
    cycles: int | None
    """None where there is no model of the core's cycles."""
    latency_us: float | None


@dataclass(frozen=True)
class Energy:
    """Microjoules of one inference."""

    microjoules: float
    range: Range
    source: str


@dataclass(frozen=True, eq=False)
class Measurement:
    """One inference of a model on a board."""

    firmware: Firmware
    on: str
    instructions: int
    """From entering the inference function to leaving it."""
    cycles: int | None
    cycles_range: tuple[int, int] | None
    latency_us: float | None
    latency_range_us: Range | None
    energy: Energy | None
    arena: int
    scratch: int
    stack: int
    """Bytes below the stack pointer at entry that the inference wrote."""
    data: int
    flash: FlashSizes
    output_sha256: str
    layers: tuple[LayerCost, ...]
    difference: Difference | None
    """Where the outputs leave the host's."""

    @property
    def latency_source(self) -> str:
        """Where latency or, without it, the only measure of time comes from."""
        return INSTRUCTIONS if self.cycles is None else CYCLE_MODEL

    @property
    def verdict(self) -> str:
        """`valid` where the outputs are the host's bit for bit, else `different`."""
        return "valid" if self.difference is None else "different"

    def document(self) -> dict[str, Any]:
        """Return the JSON document; what was not measured is absent."""
        firmware = self.firmware
        build, board, manifest = firmware.build, firmware.board, firmware.compiled.manifest
        source = {"latency": self.latency_source}
        document: dict[str, Any] = {
            "schema": 1,
            "model": {"file": manifest.model_file, "sha256": manifest.model_sha256, "macs": manifest.macs},
            "board": {"name": board.name, "cpu": board.cpu, "clock_hz": board.clock_hz},
            "on": self.on,
            "optimize": manifest.optimize,
            "source": source,
            "instructions": self.instructions,
        }
        if self.cycles is not None and self.cycles_range is not None:
            document |= {"cycles": self.cycles, "cycles_range": list(self.cycles_range)}
        if self.latency_us is not None and self.latency_range_us is not None:
            document |= {"latency_us": self.latency_us, "latency_range_us": list(self.latency_range_us)}
        if self.energy is not None:
            source["energy"] = self.energy.source
            document |= {"energy_uj": self.energy.microjoules, "energy_range_uj": list(self.energy.range)}
        flash = self.flash
        return document | {
            "ram": {"arena": self.arena, "scratch": self.scratch, "stack": self.stack, "data": self.data},
            "flash": {"code": flash.code, "weights": flash.weights, "other": flash.other},
            "output_sha256": self.output_sha256,
            "layers": [_layer_document(layer) for layer in self.layers],
            "verdict": self.verdict,
            "tool": {
                "version": version("midge"),
                "compiler": f"{build.compiler} {build.compiler_version}",
                "flags": list(build.flags),
            },
        }


def measure(backend: EmulatedBackend, arrays: Sequence[Array], on: str) -> Measurement:
    """Run the first sample of `arrays` on an emulated board and on this host, and say what it cost.

    Raises:
        DataError: the arrays do not fit the model.
        DeviceError: the firmware faulted or hung, or the emulator failed.
    """
    firmware = backend.firmware
    comparison = ComparingBackend(backend)
    outputs = Model(comparison).run(*first_sample(arrays, comparison.inputs))
    run = backend.last_run
    assert run is not None
    digest = hashlib.sha256(b"".join(array.tobytes() for array in outputs)).hexdigest()

    cycles = backend.cycles(run)
    clock = firmware.board.clock_hz / 1e6
    time = latency(firmware.board, run.instructions, cycles)
    latency_range = None if time.estimate is None else time.range
    layers = tuple(
        LayerCost(
            index=layer.index,
            op=layer.op,
            name=layer.name,
            kernel=layer.kernel,
            macs=layer.macs,
            instructions=run.layers[position],
            cycles=None if cycles is None else cycles.layers[position],
            latency_us=None if cycles is None else cycles.layers[position] / clock,
        )
        for position, layer in enumerate(firmware.compiled.manifest.layers)
    )
    return Measurement(
        firmware=firmware,
        on=on,
        instructions=run.instructions,
        cycles=None if cycles is None else cycles.estimate,
        cycles_range=None if cycles is None else (cycles.low, cycles.high),
        latency_us=time.estimate,
        latency_range_us=latency_range,
        energy=_energy(firmware, time.estimate, latency_range),
        arena=firmware.compiled.plan.arena,
        scratch=firmware.compiled.plan.scratch,
        stack=run.stack_bytes,
        data=firmware.build.ram.data,
        flash=firmware.build.flash,
        output_sha256=digest,
        layers=layers,
        difference=comparison.first,
    )


def _energy(firmware: Firmware, estimate: float | None, latency_range: Range | None) -> Energy | None:
    """Mean power times latency: milliwatts times microseconds are nanojoules."""
    power = firmware.board.mean_power_mw
    if power is None or estimate is None or latency_range is None:
        return None
    low, high = (power.value * bound / 1000 for bound in latency_range)
    return Energy(
        microjoules=power.value * estimate / 1000,
        range=(low * (1 - POWER_SPREAD), high * (1 + POWER_SPREAD)),
        source=f"modelled: latency times the board's mean power of {power.value:g} mW ({power.source})",
    )


def _layer_document(layer: LayerCost) -> dict[str, Any]:
    document: dict[str, Any] = {
        "index": layer.index,
        "op": layer.op,
        "name": layer.name,
        "kernel": layer.kernel,
        "macs": layer.macs,
        "instructions": layer.instructions,
    }
    if layer.cycles is not None:
        document |= {"cycles": layer.cycles, "latency_us": layer.latency_us}
    return document
