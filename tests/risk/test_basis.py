"""A contract far from its index is not sold into; what is not known is no basis of zero."""

from decimal import Decimal

import pytest

from hedgebot.domain.decision import Permission
from hedgebot.risk.basis import check
from tests.builders import LEG, hedge, leg, policy, price, quote, snapshot, view

ANY, REDUCE_ONLY = Permission.ANY, Permission.REDUCE_ONLY


@pytest.mark.parametrize(
    ("bound", "index", "measured", "permission"),
    [
        ("0.01", "60000", "0.0000", ANY),
        ("0.25", "48000", "0.2500", ANY),  # just inside
        ("0.2499", "48000", "0.2500", REDUCE_ONLY),
        ("0.2", "75000", "-0.2000", ANY),  # below counts like above
        ("0.1999", "75000", "-0.2000", REDUCE_ONLY),
        (None, "48000", "0.2500", ANY),  # without a bound it is measured all the same
    ],
)
def test_beyond_its_bound_new_risk_waits(
    bound: str | None, index: str, measured: str, permission: Permission
) -> None:
    policy = hedge(basis_max=None if bound is None else Decimal(bound))
    found = check(view(snapshot(leg(book=quote(index=price(index)))), hedge=policy))
    assert (found.measured, found.permission, found.alarms) == (
        measured,
        permission,
        permission is REDUCE_ONLY,
    )


def test_it_is_said_where_and_on_which_side() -> None:
    seen = snapshot(leg(book=quote(index=price(61_000))), leg(policy=policy(account="second"), book=quote()))
    found = check(view(seen, hedge=hedge(basis_max=Decimal("0.01"))))
    assert found.reason == f"{LEG} is marked 1.64% below its index: new risk waits, reductions go on"


@pytest.mark.parametrize("bound", [None, Decimal("0.5")])
def test_a_missing_index_is_told_and_is_not_zero(bound: Decimal | None) -> None:
    found = check(view(snapshot(leg(book=quote(index=None))), hedge=hedge(basis_max=bound)))
    assert (found.measured, found.permission, found.alarms) == ("unknown", REDUCE_ONLY, True)
    assert found.reason == f"the index of {LEG} is not known: new risk waits, reductions go on"
