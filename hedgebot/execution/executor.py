"""EXECUTE: reserve, send once, record."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from hedgebot.domain.client_ids import ClientId
from hedgebot.domain.decision import Plan, PlannedOrder, SetLeverage
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.orders import Fate, Intent, OrderRequest, Outcome, Stage
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import ZERO
from hedgebot.execution.fate import after_reply
from hedgebot.execution.transfers import Carrier
from hedgebot.execution.withheld import Holds, always, withheld
from hedgebot.ports import Account, Clock, Journal

log = structlog.get_logger("hedgebot.execute")


class Execution(Protocol):
    """What carries plans out; a mode that sends nothing brings its own."""

    @property
    def sends(self) -> bool: ...

    async def intend(self, plan: Plan, *, correction: bool) -> Intent | None:
        """The intent, yet to be reserved, of the order that ``plan`` asks for; None where it asks for none.

        Raises ``JournalError``; then nothing may be sent."""
        ...

    def execute(
        self, plan: Plan, intent: Intent | None, *, until: float, holds: Holds = always
    ) -> AsyncIterator[Intent]:
        """Carry out ``plan``, whose order's ``intent`` is in the journal, and yield what became of it.

        Nothing is handed to the account after the monotonic instant ``until``, when the plan is stale, nor
        once ``holds`` says that it is not wanted any more. What our own rate limit keeps back there leaves
        later by as long as a request may take; the exchange refuses what arrives after its window.
        Raises ``JournalError``; what was yielded holds all the same."""
        ...

    async def intend_transfer(self, plan: Plan) -> TransferIntent | None:
        """The intent, yet to be reserved, of the transfer that ``plan`` asks for, if it does.

        Raises ``JournalError``; then nothing may be sent."""
        ...

    def carry(
        self, intent: TransferIntent, *, until: float, holds: Holds = always
    ) -> AsyncIterator[TransferIntent]:
        """Send a transfer whose ``intent`` is in the journal, as ``execute`` does an order."""
        ...


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Looks, decides, sends nothing."""

    sends: bool = False

    async def intend(self, plan: Plan, *, correction: bool) -> Intent | None:
        if plan.acts:
            log.debug("would act", reason=plan.reason, correction=correction)
        return None

    async def execute(
        self, plan: Plan, intent: Intent | None, *, until: float, holds: Holds = always
    ) -> AsyncIterator[Intent]:
        log.debug("nothing is sent", reason=plan.reason, until=until, holds=holds())
        if intent is not None:
            yield intent

    async def intend_transfer(self, _plan: Plan) -> TransferIntent | None:
        return None

    async def carry(
        self, intent: TransferIntent, *, until: float, holds: Holds = always
    ) -> AsyncIterator[TransferIntent]:
        log.debug("nothing is sent", reason=intent.reason, until=until, holds=holds())
        yield intent


@dataclass(frozen=True, slots=True)
class Executor:
    """Sends what a plan asks for, each thing exactly once."""

    hedge: Hedge
    accounts: Mapping[str, Account]
    journal: Journal
    clock: Clock
    sends: bool = True

    async def intend(self, plan: Plan, *, correction: bool) -> Intent | None:
        """See ``Execution``."""
        if plan.order is None or plan.leverage is not None:
            return None
        number = await self.journal.next_intent()
        return Intent(
            number=number,
            hedge=self.hedge.name,
            request=self._request(plan.order, number),
            believed=plan.order.believed,
            target_ratio=plan.target.ratio,
            reason=plan.reason,
            correction=correction,
            written_at=self.clock.now_ms(),
        )

    async def execute(
        self, plan: Plan, intent: Intent | None, *, until: float, holds: Holds = always
    ) -> AsyncIterator[Intent]:
        """See ``Execution``."""
        why = withheld(self.clock.monotonic(), until, holds)
        if plan.leverage is not None and not why:
            await self._set_leverage(plan.leverage)
        if intent is None:
            return
        if why:
            replied = replace(intent.moved(Stage.ABSENT), outcome=why)
        else:
            replied = after_reply(intent, await self._send(intent.request), self.clock.now_ms())
        yield replied
        log.info(
            "order",
            order=intent.request.client_id,
            side=intent.request.side,
            contracts=str(abs(intent.request.contracts)),
            stage=replied.stage.value,
            outcome=replied.outcome,
        )
        await self.journal.resolve(replied)

    async def intend_transfer(self, plan: Plan) -> TransferIntent | None:
        """See ``Execution``."""
        return await self._carrier.intend(plan)

    def carry(
        self, intent: TransferIntent, *, until: float, holds: Holds = always
    ) -> AsyncIterator[TransferIntent]:
        """See ``Execution``."""
        return self._carrier.carry(intent, until=until, holds=holds)

    @property
    def _carrier(self) -> Carrier:
        return Carrier(self.hedge, self.accounts, self.journal, self.clock)

    def _request(self, order: PlannedOrder, number: int) -> OrderRequest:
        return OrderRequest(
            client_id=str(ClientId(self.journal.instance, self.journal.epoch, number)),
            account=order.leg.account,
            symbol=order.leg.symbol,
            contracts=order.contracts,
            limit=order.limit,
            reduce_only=order.contracts.value > ZERO,
            margin_mode=order.margin_mode,
        )

    async def _set_leverage(self, wanted: SetLeverage) -> None:
        """Setting a state is harmless to repeat: the next cycle reads it back and asks again."""
        leg, leverage = wanted.leg, f"{wanted.leverage:f}"
        try:
            async with asyncio.timeout(self.hedge.settle_after):
                account = self.accounts[leg.account]
                outcome = await account.set_leverage(leg.symbol, leverage, wanted.margin_mode)
        except TimeoutError:
            outcome = Outcome(Fate.UNKNOWN, "no reply in time")
        log.info(
            "leverage set", leg=leg.name, leverage=leverage, outcome=outcome.fate.value, reason=outcome.reason
        )

    async def _send(self, request: OrderRequest) -> Outcome:
        """The reply's fate. A reply that takes longer than an order may still arrive is unknown."""
        try:
            async with asyncio.timeout(self.hedge.settle_after):
                return await self.accounts[request.account].place(request)
        except TimeoutError:
            return Outcome(Fate.UNKNOWN, "no reply in time")
