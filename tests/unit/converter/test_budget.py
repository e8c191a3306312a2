"""What `--fit` reads, and what it refuses before anything is tried."""

from __future__ import annotations

import pytest

from midge.converter.search.budget import Bound, Budget, parse_budget
from midge.runtime.errors import InputError


def test_bounds_are_separated_by_blanks_and_may_have_blanks_inside() -> None:
    expected = Budget((Bound("accuracy", 0.85), Bound("latency_us", 50_000), Bound("ram", 64_000)))

    assert parse_budget("accuracy>=0.85 latency_us<=50000 ram<=64000") == expected
    assert parse_budget("  accuracy >= .85\n latency_us <= 5e4   ram<= 64000 ") == expected


def test_a_budget_reads_back_as_it_is_written() -> None:
    text = "mean_squared_error<=0.00125 instructions<=1500000.5 flash<=256000"

    assert str(parse_budget(text)) == text


def test_one_bound_is_of_the_evaluation_data_and_the_others_are_of_the_board() -> None:
    budget = parse_budget("ram<=1 accuracy>=0.5 flash<=2")

    assert budget.quality == Bound("accuracy", 0.5)
    assert budget.costs == (Bound("ram", 1), Bound("flash", 2))
    assert parse_budget("ram<=1").quality is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "at least one bound"),
        ("   ", "at least one bound"),
        ("acuracy>=0.8", "no 'acuracy'.*expected one of accuracy"),
        ("accuracy<=0.8", "expected accuracy>=0.8, found accuracy<=0.8"),
        ("accuracy>0.8", "expected accuracy>=0.8"),
        ("ram=1000", "expected ram<=1000"),
        ("ram==1000", "expected ram<=1000"),
        ("ram>=1000", "expected ram<=1000"),
        ("ram<=64KB", "plain number without a unit.*found '64KB'"),
        ("ram<=64_000", "plain number"),
        ("latency_us<=50ms", "microseconds.*found '50ms'"),
        ("accuracy>=85", "85 % is 0.85"),
        ("accuracy>=85%", "plain number"),
        ("accuracy>=1.01", "at most 1"),
        ("accuracy>=0", "above 0"),
        ("accuracy>=nan", "plain number"),
        ("ram<=0", "no model meets ram<=0"),
        ("ram<=-5", "no model meets"),
        ("flash<=1e999", "no model meets"),
        ("ram<=10 ram<=20", "bounded twice, ram<=10 and ram<=20"),
        ("accuracy>=0.9 accuracy>=0.8", "bounded twice"),
        ("accuracy>=0.9 mean_squared_error<=1", "bound one of them"),
        ("ram<=10,flash<=20", "cannot read"),
        ("ram<=10 flash", "cannot read 'flash'"),
        ("ram<=", "cannot read"),
        ("<=5", "cannot read"),
    ],
)
def test_anything_else_is_refused_with_what_was_expected(text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        parse_budget(text)


def test_a_miss_is_the_part_of_the_limit_by_which_it_is_missed() -> None:
    assert Bound("ram", 1000).miss(1000) == 0
    assert Bound("ram", 1000).miss(1250) == 0.25
    assert Bound("accuracy", 0.8).miss(0.9) == 0
    assert Bound("accuracy", 0.8).miss(0.6) == pytest.approx(0.25)
