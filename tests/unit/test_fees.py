"""What the fees promise: whole fen, nothing billed twice, nothing paid twice, billed = paid case by case."""

import dataclasses
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bodies import FeePaid
from core.catalogue import load_catalogue
from core.errors import InputError
from core.fees import Account, Bill, PaymentState, account, bill, outstanding, paid, reconcile

FREE = load_catalogue().item("43098101205001")
HOUSE = load_catalogue().item("43098102707001")
PLANNING = load_catalogue().item("43098101701003")
DWELLING, OTHER = (fee.name for fee in HOUSE.fees)
FACILITIES = PLANNING.fees[0].name


def test_a_free_item_has_an_empty_bill():
    assert bill(FREE, {}) == Bill() and bill(FREE, {}).total_fen == 0
    assert account(0, []).state is PaymentState.FREE


def test_a_bill_has_a_line_for_each_fee_that_applies():
    made = bill(HOUSE, {DWELLING: 1, OTHER: "0"})
    assert [(line.name, line.unit, line.quantity, line.fen) for line in made.lines] == [
        (DWELLING, "件", "1", 8000)
    ]
    assert made.total_fen == 8000


def test_a_quantity_may_have_places_and_the_line_is_rounded_half_up_to_a_fen():
    assert bill(PLANNING, {FACILITIES: "１，234。5"}).total_fen == 3_703_500
    assert bill(PLANNING, {FACILITIES: "0.0001"}).total_fen == 0
    assert bill(PLANNING, {FACILITIES: "0.0005"}).total_fen == 2
    assert bill(PLANNING, {FACILITIES: "0.0004"}).total_fen == 1


@pytest.mark.parametrize(
    ("quantities", "code"),
    [
        ({}, "missing_quantity"),
        ({DWELLING: 1}, "missing_quantity"),
        ({DWELLING: 1, OTHER: 0, "茶水费\n": 1}, "unknown"),
        ({DWELLING: -1, OTHER: 0}, "quantity"),
        ({DWELLING: "1.23456", OTHER: 0}, "quantity"),
        ({DWELLING: "999999999999999", OTHER: 0}, "too_much"),
    ],
)
def test_a_wrong_quantity_is_refused_in_words(quantities: dict[str, str | int], code: str):
    with pytest.raises(InputError, match=rf"fees\.{code}") as refusal:
        bill(HOUSE, quantities)
    assert refusal.value.zh.endswith("。") and "\n" not in refusal.value.zh


def test_the_largest_quantity_at_the_largest_price_is_refused_in_words():
    fee = dataclasses.replace(PLANNING.fees[0], amount="99999999.99")
    item = dataclasses.replace(PLANNING, fees=(fee,))
    with pytest.raises(InputError, match=r"fees\.too_much"):
        bill(item, {FACILITIES: "999999999999999.9999"})


@pytest.mark.parametrize(
    ("billed", "fens", "state", "owed"),
    [
        (8000, [], PaymentState.UNPAID, 8000),
        (8000, [3000], PaymentState.PARTLY_PAID, 5000),
        (8000, [3000, 5000], PaymentState.PAID, 0),
        (8000, [3000, 6000], PaymentState.OVERPAID, -1000),
        (0, [100], PaymentState.OVERPAID, -100),
    ],
)
def test_an_account_says_what_is_owed(billed: int, fens: list[int], state: PaymentState, owed: int):
    payments = [FeePaid(fen, f"票{number}") for number, fen in enumerate(fens)]
    held = account(billed, payments)
    assert (held.state, held.outstanding_fen) == (state, owed)
    assert paid(payments) == sum(fens) and outstanding(billed, payments) == owed


def test_a_receipt_entered_twice_counts_once():
    held = account(8000, [FeePaid(8000, "票1"), FeePaid(8000, "票1")])
    assert held == Account(8000, 8000)


def test_a_receipt_with_two_amounts_is_disputed_whatever_the_order():
    payments = [FeePaid(8000, "票1"), FeePaid(7000, "票1"), FeePaid(8000, "票1"), FeePaid(1, "票2")]
    for order in itertools.permutations(payments):
        assert account(8000, order) == Account(8000, 7001, ("票1",))


def test_accounts_are_bounded():
    with pytest.raises(InputError, match=r"fees\.too_much"):
        account(-1, [])
    with pytest.raises(InputError, match=r"fees\.too_much"):
        account(0, [FeePaid(10**12, "票1"), FeePaid(1, "票2")])
    with pytest.raises(InputError, match=r"fees\.too_many_payments"):
        account(0, [FeePaid(1, "票1")] * 1001)


def test_two_errors_do_not_cancel_each_other_out():
    under, over = account(100, [FeePaid(90, "票1")]), account(100, [FeePaid(110, "票2")])
    level = account(50, [FeePaid(50, "票3")])
    found = reconcile([("甲", under), ("乙", level), ("丙", over)])
    assert found.billed_fen == found.paid_fen == 250 and not found.is_level
    assert found.differing == (("甲", under), ("丙", over))
    assert reconcile([("乙", level)]).is_level


def test_a_disputed_receipt_is_a_difference_even_where_the_sums_agree():
    disputed = account(70, [FeePaid(70, "票1"), FeePaid(80, "票1")])
    assert disputed.state is PaymentState.PAID and not reconcile([("甲", disputed)]).is_level


@settings(derandomize=True, max_examples=100)
@given(st.lists(st.integers(0, 10**9), max_size=20), st.lists(st.integers(1, 10**9), max_size=20))
def test_what_is_reconciled_adds_up(billed: list[int], payments: list[int]):
    accounts = [
        (str(number), account(owed, [FeePaid(fen, str(fen)) for fen in payments[number : number + 1]]))
        for number, owed in enumerate(billed)
    ]
    found = reconcile(accounts)
    assert found.billed_fen - found.paid_fen == sum(entry.outstanding_fen for _, entry in found.differing)
