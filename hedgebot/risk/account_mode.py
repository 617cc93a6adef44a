"""Is the account set up as the hedge was sized for? Position mode, margin mode, leverage, contract."""

from collections.abc import Iterator

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.snapshot import Leg
from hedgebot.risk.view import View

Fault = tuple[Permission, str, str]

CONTENT = Finding("account_mode", Permission.ANY, "as configured", "", "modes and contracts are as expected")


def check(view: View) -> Finding:
    specs = dict(view.memory.specs)
    faults = [fault for leg in view.snapshot.legs if not leg.idle for fault in _faults(leg, specs)]
    if not faults:
        return CONTENT
    permission, reason, step = max(faults, key=lambda fault: fault[0])
    return Finding(
        "account_mode",
        permission,
        f"{len(faults)} faults",
        "0",
        reason,
        step,
        halts=permission is Permission.NONE,
        alarms=True,
    )


def _faults(leg: Leg, specs: dict[str, str]) -> Iterator[Fault]:
    pinned, spec = specs.get(leg.name), leg.facts.instrument.spec
    if leg.mode.unsupported:
        yield Permission.NONE, f"{leg.policy.account}: {leg.mode.unsupported}", "Change the account's mode"
    if pinned and pinned != spec:
        step = "Check the size of the hedge, then start with a new store"
        yield Permission.NONE, f"{leg.name} was {pinned}; now it is {spec}", step
    if leg.position.hedge_mode:
        yield Permission.NONE, f"{leg.name} is in hedge mode", "Set the contract to one-way mode"
    wanted = leg.policy.margin_mode
    if wanted and leg.margin_mode is not wanted and not leg.settable:
        reason = f"{leg.policy.account} margins {leg.margin_mode}, the config wants {wanted}"
        yield Permission.NONE, reason, "Change the account's margin mode, or the config"
    if inverse := leg.facts.instrument.instead:
        reason = f"{leg.name} is linear, and {inverse} is listed: only coin margin makes a hedge whole"
        yield Permission.REDUCE_ONLY, reason, f"Make {inverse} the leg"
    if not leg.facts.instrument.tradable:
        yield Permission.REDUCE_ONLY, f"{leg.name} is not open for trading", "Read the exchange's notice"
    named, actual = leg.policy.leverage, leg.position.leverage
    if named is not None and actual is not None and actual != named and leg.position.contracts:
        reason = f"{leg.name} runs at leverage {actual}, the config wants {named}"
        yield Permission.REDUCE_ONLY, reason, "Set it on the exchange, or change the config"
