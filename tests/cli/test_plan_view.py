"""``plan`` in words: what would be done, an order or a move of coins, in lines of 80 columns."""

from hedgebot.cli.plan_view import as_data, lines, verdict
from hedgebot.cli.rehearsal import Look
from hedgebot.domain import status
from hedgebot.domain.decision import Plan, PlannedTransfer
from hedgebot.domain.records import CycleRecord, Memory, State
from hedgebot.domain.transfers import Pocket, Pockets
from hedgebot.errors import ExitCode
from tests.builders import NOW, SYMBOL, allowing, coin, hedge, hedged, to

SHOWED = Pockets(coin("0.4"), coin("0.6"))


def look(transfer: PlannedTransfer | None) -> Look:
    """At a hedge on target whose collateral has to move."""
    body = status.body(hedge(), "hedged", to(1), Memory(), allowing(), status.figures(hedged()))
    record = CycleRecord("btc", NOW, State.HEDGED, "near", False, body, Memory())
    return Look("btc", record, Plan("near", True, to(1), transfer=transfer), None)


def test_a_move_of_coins_is_told_in_a_line() -> None:
    found = look(PlannedTransfer("main", coin("0.05522488"), Pocket.SPOT, Pocket.MARGIN, "", SHOWED))
    assert verdict(found) is ExitCode.DRIFT
    assert list(lines(found)) == [
        "btc: would move coins",
        "  why          near",
        "  ratio        0.9995, target 1, band 0.02",
        "  transfer     0.05522488 BTC from spot to margin on main",
    ]


def test_one_to_an_isolated_margin_names_its_leg_for_programs() -> None:
    found = look(PlannedTransfer("main", coin("0.05"), Pocket.MARGIN, Pocket.ISOLATED, SYMBOL, SHOWED))
    told = {"account": "main", "symbol": SYMBOL, "coins": "0.05", "from": "margin", "to": "isolated"}
    assert as_data(found)["transfer"] == told


def test_without_one_there_is_no_such_line() -> None:
    assert "transfer" not in "".join(lines(look(None)))
    assert (as_data(look(None))["transfer"], verdict(look(None))) == (None, ExitCode.OK)
