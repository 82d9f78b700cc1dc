"""What a case costs and whether it is paid: everything in whole fen, billed once, reconciled as billed = paid."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.bodies import FeePaid
from core.errors import InputError
from core.items import Fee, Item
from core.numbers import FEN_MAX, fen_of, parse_decimal, yuan_of

QUANTITY_PLACES_MAX = 4
PAYMENTS_MAX = 1_000


class PaymentState(StrEnum):
    FREE = "free"
    UNPAID = "unpaid"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    OVERPAID = "overpaid"


@dataclass(frozen=True, slots=True)
class BillLine:
    """``quantity`` units of one fee; ``fen`` is rounded half up to a whole fen."""

    name: str
    unit: str
    unit_price_fen: int
    quantity: str
    fen: int


@dataclass(frozen=True, slots=True)
class Bill:
    """The lines that cost something; a free item has none."""

    lines: tuple[BillLine, ...] = ()

    @property
    def total_fen(self) -> int:
        return sum(line.fen for line in self.lines)


@dataclass(frozen=True, slots=True)
class Account:
    """What one case owes and has paid, in fen. A receipt number entered twice counts once."""

    billed_fen: int
    paid_fen: int
    disputed_receipts: tuple[str, ...] = ()
    """Receipt numbers entered with different amounts; the smallest counts until people have looked."""

    @property
    def outstanding_fen(self) -> int:
        """Still owed; below zero what is to be paid back."""
        return self.billed_fen - self.paid_fen

    @property
    def state(self) -> PaymentState:
        if self.outstanding_fen < 0:
            return PaymentState.OVERPAID
        if self.billed_fen == 0:
            return PaymentState.FREE
        if self.outstanding_fen == 0:
            return PaymentState.PAID
        return PaymentState.PARTLY_PAID if self.paid_fen else PaymentState.UNPAID


@dataclass(frozen=True, slots=True)
class FeeReconciliation:
    """Sums over cases, in fen; ``differing`` holds every case whose account is not level, in the order given."""

    billed_fen: int
    paid_fen: int
    differing: tuple[tuple[str, Account], ...]

    @property
    def is_level(self) -> bool:
        """Billed = paid in every single case: two errors do not cancel each other out."""
        return not self.differing


def bill(item: Item, quantities: Mapping[str, str | int]) -> Bill:
    """The bill of a case: for every fee of the item a quantity, 0 where it does not apply.

    Quantities are whole or decimal text with at most 4 places. Raises ``InputError``: ``fees.unknown``,
    ``fees.missing_quantity``, ``fees.quantity``, ``fees.too_much`` (above 10^12 fen).
    """
    names = {fee.name for fee in item.fees}
    for name in quantities:
        if name not in names:
            shown = "".join(c if c.isprintable() else "?" for c in name[:40])
            raise InputError(
                "fees.unknown",
                zh=f"该事项没有收费项目“{shown}”，不得收取。",
                en=f"The item has no fee {shown!r}; it may not be charged.",
            )
    lines = tuple(_line(fee, quantities) for fee in item.fees)
    made = Bill(tuple(line for line in lines if line.fen))
    _check_bounds(made.total_fen)
    return made


def account(billed_fen: int, payments: Sequence[FeePaid]) -> Account:
    """The account of one case. Raises ``InputError`` (``fees.too_much``, ``fees.too_many_payments``)."""
    if len(payments) > PAYMENTS_MAX:
        raise InputError(
            "fees.too_many_payments",
            zh=f"一个办件最多登记 {PAYMENTS_MAX} 笔缴费，请核对。",
            en=f"A case can have at most {PAYMENTS_MAX} payments. Please check them.",
        )
    by_receipt: dict[str, int] = {}
    for payment in payments:
        # The same whatever the order in which payments arrive.
        by_receipt[payment.receipt_no] = min(payment.fen, by_receipt.get(payment.receipt_no, payment.fen))
    disputed = {entry.receipt_no for entry in payments if by_receipt[entry.receipt_no] != entry.fen}
    paid_fen = sum(by_receipt.values())
    _check_bounds(billed_fen)
    _check_bounds(paid_fen)
    return Account(billed_fen, paid_fen, tuple(sorted(disputed)))


def paid(payments: Sequence[FeePaid]) -> int:
    """Fen paid, every receipt counted once. Raises as :func:`account`."""
    return account(0, payments).paid_fen


def outstanding(billed_fen: int, payments: Sequence[FeePaid]) -> int:
    """Fen still owed; below zero what is to be paid back. Raises as :func:`account`."""
    return account(billed_fen, payments).outstanding_fen


def reconcile(accounts: Iterable[tuple[str, Account]]) -> FeeReconciliation:
    """Billed against paid over many cases, each given by its number and account."""
    billed_fen = paid_fen = 0
    differing: list[tuple[str, Account]] = []
    for case, entry in accounts:
        billed_fen += entry.billed_fen
        paid_fen += entry.paid_fen
        if entry.outstanding_fen or entry.disputed_receipts:
            differing.append((case, entry))
    return FeeReconciliation(billed_fen, paid_fen, tuple(differing))


def _line(fee: Fee, quantities: Mapping[str, str | int]) -> BillLine:
    if fee.name not in quantities:
        raise InputError(
            "fees.missing_quantity",
            zh=f"请填写“{fee.name}”的数量（单位：{fee.unit}），不适用的填 0。",
            en=f"Please give the quantity of {fee.name!r} (unit: {fee.unit}), 0 where it does not apply.",
        )
    try:
        quantity = parse_decimal(str(quantities[fee.name]), QUANTITY_PLACES_MAX)
    except InputError as error:
        raise InputError(
            "fees.quantity",
            zh=f"“{fee.name}”的数量：{error.zh}",
            en=f"Quantity of {fee.name!r}: {error.en}",
        ) from error
    price_fen = fen_of(fee.amount)
    whole, _, part = quantity.partition(".")
    quantity_parts = int(whole + part.ljust(QUANTITY_PLACES_MAX, "0"))
    scale: int = 10**QUANTITY_PLACES_MAX
    fen = (2 * quantity_parts * price_fen + scale) // (2 * scale)
    return BillLine(fee.name, fee.unit, price_fen, quantity, fen)


def _check_bounds(fen: int) -> None:
    if not 0 <= fen <= FEN_MAX:
        raise InputError(
            "fees.too_much",
            zh=f"金额 {yuan_of(fen)} 元不在 0 到 {yuan_of(FEN_MAX)} 元之内，请核对数量。",
            en=f"{yuan_of(fen)} yuan is not between 0 and {yuan_of(FEN_MAX)} yuan. "
            "Please check the quantities.",
        )
