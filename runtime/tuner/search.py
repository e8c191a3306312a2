"""The tuner: for every layer the variant, and the form of it, that takes the emulated core the least time.

Time is the cycle model's where the core has one, else the number of instructions.

Layers do not influence each other's counts, so candidates are compared many at a time: in one firmware every layer
takes one of its own, in the next one another, until each has been counted. What then does not fit the board is taken
back, where it costs least.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from midge.runtime.backends.c.sources import body_header
from midge.runtime.backends.c.target import arch_for
from midge.runtime.board import Board
from midge.runtime.decisions import Decisions, LayerDecision
from midge.runtime.emulators.cycles import MODELLED_CPUS
from midge.runtime.emulators.cycles import SOURCE as CYCLE_MODEL
from midge.runtime.errors import CapacityError
from midge.runtime.graph import Graph
from midge.runtime.least_memory import reduce_memory
from midge.runtime.lower import candidates, check
from midge.runtime.native import params_size
from midge.runtime.program import Choice, KernelCall, Target
from midge.runtime.toolchain import Toolchain, cache_directory
from midge.runtime.tuner.cache import Cost, CostCache, signature
from midge.runtime.tuner.measure import measure

WEIGHT_GROWTH = 1.1
"""Most that the packed constants may take in default mode, as a multiple of the smallest packing."""

INSTRUCTIONS = "emulator-instructions"
"""What decisions were made by on a core without a cycle model."""

SPECIALISED_GAIN = 0.01
"""Least part of a layer's time that an instance of its own must save: it takes flash for its code."""

FLASH_RESERVE = 48 * 1024
RAM_RESERVE = 4 * 1024
"""Bytes that the tuner leaves free for the kernels' common copies, start-up, variables and stack; what is left over is
found out when the firmware is linked."""


@dataclass(frozen=True, eq=False)
class Option:
    """One way to compute one layer."""

    choice: Choice
    calls: tuple[KernelCall, ...]
    key: str
    weights: int
    """Bytes of its constants and parameters."""

    @property
    def label(self) -> str:
        """What it is called in the table of counts."""
        return f"{self.choice.variant}, specialised" if self.choice.specialised else self.choice.variant


@dataclass(frozen=True, eq=False)
class Tuning:
    """The result: choices for `lower`, and the same with all counts for the file."""

    choices: Mapping[int, Choice]
    decisions: Decisions
    builds: int
    """Firmwares that were built and run; 0 where the cache knew everything."""


def tune(
    graph: Graph,
    board: Board,
    toolchain: Toolchain,
    optimize: str | None,
    *,
    model_file: str,
    progress: Callable[[str], None] = lambda _: None,
    cache: Path | None = None,
) -> Tuning:
    """Choose how to compute every layer of a graph.

    Args:
        graph: the model after its passes.
        board: whose core is emulated, and whose memories limit the choice.
        toolchain: the compiler that the choice is for.
        optimize: `speed`, `size`, `ram`, or None for the default mode. Only `speed` writes specialised instances, which
            cost flash; `ram` takes the least memory first.
        model_file: the model's name, for the file of decisions.
        progress: called with what is going on.
        cache: folder for earlier counts; None takes the user's cache.

    Raises:
        UnsupportedError: an operator that no kernel covers, or a core that nothing emulates.
        MissingToolError: no emulator of the core is installed.
    """
    mode = optimize or "default"
    target = Target(arch_for(board.cpu), mode)
    compiler = f"{toolchain.name} {toolchain.version}"
    context = " ".join([board.cpu, compiler, *toolchain.compile_flags(optimize)])
    costs = CostCache(cache_directory() / "tuner" if cache is None else cache, context)
    options = _list_options(graph, target)
    common = [[one for one in each if not one.choice.specialised] for each in options]
    builds = _count_unknown(graph, target, common, board, toolchain, costs, progress)
    options = [_keep_promising(each, _by_speed(shared, costs)[0]) for each, shared in zip(options, common, strict=True)]
    builds += _count_unknown(graph, target, options, board, toolchain, costs, progress)
    chosen = [_by_speed(each, costs)[0] for each in options]
    chosen = _save_flash(options, chosen, costs, board, mode)
    chosen = _save_ram(graph, target, options, chosen, costs, 0 if mode == "ram" else board.ram.size - RAM_RESERVE)
    layers = tuple(
        _decision(operator.index, operator.kind, graph.tensors[operator.outputs[0]].name, each, choice.choice, costs)
        for operator, each, choice in zip(graph.operators, options, chosen, strict=True)
    )
    source = CYCLE_MODEL if board.cpu in MODELLED_CPUS else INSTRUCTIONS
    decisions = Decisions(1, source, model_file, graph.sha256, board.cpu, mode, compiler, layers)
    return Tuning({at: one.choice for at, one in enumerate(chosen)}, decisions, builds)


def _decision(
    index: int, kind: str, name: str, options: Sequence[Option], choice: Choice, costs: CostCache
) -> LayerDecision:
    known = {option.label: cost for option in options if (cost := costs.get(option.key)) is not None}
    return LayerDecision(
        index=index,
        op=kind,
        name=name,
        variant=choice.variant,
        specialised=choice.specialised,
        instructions={label: cost.instructions for label, cost in known.items()},
        cycles={label: cost.cycles for label, cost in known.items() if cost.cycles is not None},
    )


def _list_options(graph: Graph, target: Target) -> list[list[Option]]:
    """Return the options of every operator; the first is what it gets without a tuner."""
    options = []
    for node in graph.nodes():
        check(node)
        found = []
        for name, calls in candidates(node, target):
            can_specialise = target.optimize == "speed" and any(body_header(call.kernel) for call in calls)
            for specialised in (False, True) if can_specialise else (False,):
                choice = Choice(name, specialised)
                found.append(Option(choice, calls, signature(calls, specialised), _constant_bytes(calls)))
        options.append(found)
    return options


def _keep_promising(options: Sequence[Option], best: Option) -> list[Option]:
    """Leave out specialised instances of all but the quickest variant: none of them makes up for a slower one."""
    return [one for one in options if not one.choice.specialised or one.choice.variant == best.choice.variant]


def _constant_bytes(calls: Sequence[KernelCall]) -> int:
    return sum(
        params_size(call.kernel) + sum(int(array.nbytes) for array in call.constants().values()) for call in calls
    )


def _count_unknown(
    graph: Graph,
    target: Target,
    options: Sequence[Sequence[Option]],
    board: Board,
    toolchain: Toolchain,
    costs: CostCache,
    progress: Callable[[str], None],
) -> int:
    """Count every option with calls that the cache does not know, and return how many firmwares that took."""
    given_up: set[str] = set()
    builds = 0

    def unknown(each: Sequence[Option]) -> list[Option]:
        if len(each) == 1 or not each[0].calls:
            return []
        return [one for one in each if one.key not in given_up and costs.get(one.key) is None]

    while any(unknown(each) for each in options):
        most = max(len(unknown(each)) for each in options)
        progress(f"counting candidates on {board.name}, {most} to go")
        tried = [next(iter(unknown(each)), each[0]) for each in options]
        try:
            counted = measure(graph, target, {at: one.choice for at, one in enumerate(tried)}, board, toolchain)
        except CapacityError:
            counted = {}
        builds += 1
        for at, one in enumerate(tried):
            if at in counted:
                costs.put(one.key, counted[at])
            else:
                given_up.add(one.key)
        costs.save()
    return builds


def _cost(option: Option, costs: CostCache) -> Cost | None:
    return costs.get(option.key)


def _by_speed(each: Sequence[Option], costs: CostCache) -> list[Option]:
    """Return a layer's options, the quickest first; what could not be counted comes last."""

    def rank(option: Option) -> tuple[float, int]:
        cost = _cost(option, costs)
        if cost is None:
            return float("inf"), option.weights
        return cost.time * (1 + SPECIALISED_GAIN * option.choice.specialised), option.weights

    return sorted(each, key=rank)


def _flash(option: Option, costs: CostCache) -> int:
    """Return the bytes of flash that an option takes for itself."""
    cost = _cost(option, costs)
    return option.weights + (cost.code if cost is not None and option.choice.specialised else 0)


def _save_flash(
    options: Sequence[Sequence[Option]], chosen: list[Option], costs: CostCache, board: Board, mode: str
) -> list[Option]:
    """Take back what flash has no room for, the least instructions per byte first."""
    smallest = sum(min(_flash(one, costs) for one in each) for each in options)
    limit = max(smallest, board.flash.size - FLASH_RESERVE)
    if mode != "speed":
        limit = min(limit, int(WEIGHT_GROWTH * smallest))
    chosen = list(chosen)
    while sum(_flash(one, costs) for one in chosen) > limit:
        steps = [
            (_lost(now, other, costs) / (_flash(now, costs) - _flash(other, costs)), at, other)
            for at, (each, now) in enumerate(zip(options, chosen, strict=True))
            for other in each
            if _flash(other, costs) < _flash(now, costs)
        ]
        if not steps:
            break
        _, at, other = min(steps, key=lambda step: step[:2])
        chosen[at] = other
    return chosen


def _lost(now: Option, other: Option, costs: CostCache) -> float:
    before, after = _cost(now, costs), _cost(other, costs)
    return float("inf") if before is None or after is None else after.time - before.time


def _save_ram(
    graph: Graph,
    target: Target,
    options: Sequence[Sequence[Option]],
    chosen: Sequence[Option],
    costs: CostCache,
    limit: int,
) -> list[Option]:
    """Change what makes the arena larger than `limit`, at the least cost in instructions."""
    by_choice = [{one.choice: one for one in each} for each in options]

    def lost(at: int, now: Choice, other: Choice) -> float:
        return _lost(by_choice[at][now], by_choice[at][other], costs)

    ways = [[(one.choice, one.calls) for one in each] for each in options]
    found = reduce_memory(graph, target, ways, [one.choice for one in chosen], limit, lost)
    return [by_choice[at][choice] for at, choice in enumerate(found)]
