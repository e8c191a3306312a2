"""Whether a model's memory plan and constants fit a board, before anything is built."""

from __future__ import annotations

from midge.runtime.board import Board
from midge.runtime.passes.plan_memory import Plan


def find_shortages(board: Board, plan: Plan, weights: int) -> list[str]:
    """Return what does not fit, in words; code, stack and other variables, which come on top, are not counted."""
    reasons = []
    if plan.total > board.ram.size:
        reasons.append(
            f"arena and scratch take {plan.total:,} bytes, {plan.total - board.ram.size:,} more than the "
            f"{board.ram.size:,} of {board.ram.name} on {board.name}"
        )
    if weights > board.flash.size:
        reasons.append(
            f"weights take {weights:,} bytes, {weights - board.flash.size:,} more than the {board.flash.size:,} of "
            f"{board.flash.name} on {board.name}"
        )
    return reasons
