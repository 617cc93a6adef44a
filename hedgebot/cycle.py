"""THE LOOP: settle -> observe -> assess -> plan -> record -> execute, for one hedge.

An unsettled or incoherent cycle still observes, assesses and records, so the page and the alarms stay
awake; only acting is off. The stages meet here, through values of ``domain``, and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from hedgebot.accounting import Accounting
from hedgebot.domain import status
from hedgebot.domain.decision import Assessment, Finding, Permission, Plan
from hedgebot.domain.doubt import doubtful
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.orders import Intent
from hedgebot.domain.pockets import on_the_way
from hedgebot.domain.readings import agreed_time
from hedgebot.domain.records import POLICY, Command, Control, CycleRecord, Memory, Verb
from hedgebot.domain.snapshot import Blind, Observation, Snapshot
from hedgebot.domain.states import state_of
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import ZERO, Millis
from hedgebot.errors import CredentialsError, HedgebotError, JournalError, ReadError
from hedgebot.execution import Execution, Settler
from hedgebot.hedge_state import HedgeState
from hedgebot.observation import AccountFeed, in_force, observe
from hedgebot.planning import decide, follow, step_taken, target
from hedgebot.ports import Clock, Journal
from hedgebot.risk import View, assess, disturbed

log = structlog.get_logger("hedgebot.cycle")

RECENT_MS = 600_000
"""How far back fills are read when a position changed without an order of ours."""


@dataclass
class Cycle:
    """One hedge's loop body; ``run`` is one turn of it."""

    hedge: Hedge
    feeds: Mapping[str, AccountFeed]
    settler: Settler
    execution: Execution
    accounting: Accounting
    journal: Journal
    clock: Clock
    fresh_for: float
    state: HedgeState

    def __post_init__(self) -> None:
        self.configured = self.hedge

    async def run(self, since: float) -> CycleRecord:
        """One cycle on readings begun at or after ``since``; faults outside never raise here."""
        await self._settle()
        view = await self._observe(since)
        assessment, memory = assess(view)
        assessment = self._with_journal_fault(assessment)
        memory = await self._follow(view, assessment, memory)
        control = self.state.control
        plan = self.state.plan = self._plan(view.observed, assessment, memory)
        record = self._conclude(view.observed, assessment, plan, memory)
        try:
            order, move = await self._record(record, plan)
            if plan is not None and plan.acts:
                # A freeze may lie between the last reply and the end that it was given: the start bounds it.
                seen = min(view.snapshot.ended, view.snapshot.started + self.fresh_for)
                await self._execute(plan, order, move, control, until=seen + self.fresh_for)
        except JournalError as error:
            self.state.fault = str(error)
            log.warning("journal failed; nothing more is sent", reason=str(error))
        await self._account(view.observed)
        return record

    async def _settle(self) -> None:
        """Look up every order and transfer of unknown fate, but on accounts that do not answer.

        A journal that failed is read afresh first."""
        self.state.closed.clear()
        self.state.moved.clear()
        try:
            if self.state.fault:
                await self.state.load(self.journal, self.clock.now_ms())
            for intent in self.state.open:
                if intent.request.account not in self.state.dead:
                    self.state.put(await self.settler.follow(intent))
            for transfer in self.state.moving:
                if transfer.request.account not in self.state.dead:
                    self.state.put_transfer(await self.settler.transfers.follow(transfer))
        except JournalError as error:
            self.state.fault = str(error)

    async def _observe(self, since: float) -> View:
        # No reading twice: several that agree have to be several.
        since, at = max(since, self.state.acted_at, self.state.seen_at), self.clock.now_ms()
        seen = await self._seen(since, at)
        if isinstance(seen, Snapshot):
            self.state.seen_at = seen.ended
            await self._confirm(seen)
            if self.state.moving:
                seen = replace(seen, in_flight=on_the_way(seen, self.state.moving))
            if seen.dead and self.state.open:
                seen = replace(seen, doubtful=doubtful(seen, self.state.open))
        view = self.state.view(self.hedge, seen, self.clock)
        if not isinstance(seen, Snapshot) or not disturbed(view):
            return view
        log.warning("a position changed without an order of ours", hedge=self.hedge.name)
        try:
            # By the exchange's clock, which is that of its fills.
            since = Millis(max(view.started_at, view.at - RECENT_MS) + seen.offset_ms)
            memory = await self.accounting.examine(
                self.hedge, view.memory, since, self.journal.instance, seen.dead
            )
        except HedgebotError as error:
            reason = f"a position changed without an order of ours, and recent fills are not known: {error}"
            return replace(view, observed=Blind(self.hedge.name, seen.at, (reason,)))
        return replace(view, memory=memory)

    async def _seen(self, since: float, at: Millis) -> Observation:
        """The snapshot of the contracts that the hedge is in now, or why there is none."""
        try:
            self.hedge = await in_force(self.configured, self.feeds, self.state.memory, at)
        except ReadError as error:
            return Blind(self.hedge.name, at, (str(error),), isinstance(error, CredentialsError))
        return await observe(self.hedge, self.feeds, since, at, self.state.confirmed)

    async def _confirm(self, seen: Snapshot) -> None:
        """Close the filled orders and the transfers that the snapshot shows; cancel left-over orders."""
        try:
            for intent in self.state.open:
                self.state.put(await self.settler.confirm(intent, seen))
            for transfer in self.state.moving:
                self.state.put_transfer(await self.settler.transfers.confirm(transfer, seen))
        except JournalError as error:
            self.state.fault = str(error)
        if self.execution.sends and seen.orders:
            await self.settler.sweep(seen)

    def _with_journal_fault(self, assessment: Assessment) -> Assessment:
        """With the last failure among the findings; it is over unless this cycle's own writes fail too."""
        if not self.state.fault:
            return assessment
        reason = f"the journal failed: {self.state.fault}"
        step = "Make room on the disk or mend the store; orders resume by themselves"
        fault = Finding("journal", Permission.NONE, "failed", "", reason, step, alarms=True)
        self.state.fault = ""
        return Assessment((*assessment.findings, fault))

    async def _follow(self, view: View, assessment: Assessment, memory: Memory) -> Memory:
        """The memory with what the policies want now. An unwind that they ask for is written down first: if
        that fails, nothing is sent in this mode, or an operator spoke meanwhile, they will ask again."""
        seen, state = view.observed, self.state
        if not isinstance(seen, Snapshot) or assessment.blind:
            return memory
        followed, why = follow(self.hedge, state.control, seen, view.signals, memory)
        if why:
            order = Command(self.hedge.name, Verb.UNWIND, ZERO, f"{POLICY}{why}", view.at)
            try:
                if self.execution.sends:
                    await self.journal.command(order)
            except JournalError as error:
                state.fault = str(error)
                return memory
            before, state.control = state.control, state.control.after(order)
            if state.control == before:
                return memory
            log.warning("unwinding", hedge=self.hedge.name, reason=why)
        return followed if self.execution.sends or not why else memory

    def _plan(self, seen: Observation, assessment: Assessment, memory: Memory) -> Plan | None:
        if not isinstance(seen, Snapshot) or assessment.blind:
            return None
        wanted = target(self.hedge, self.state.control, memory)
        return decide(self.hedge, seen, assessment, wanted, self.state.control, self.state.transfers)

    def _conclude(
        self, seen: Observation, assessment: Assessment, plan: Plan | None, memory: Memory
    ) -> CycleRecord:
        """The cycle as one record; what it means for the next is remembered."""
        wanted = target(self.hedge, self.state.control, memory)
        if plan is not None and plan.rescues:
            assessment = Assessment((*assessment.findings, step_taken(plan)))
        if isinstance(seen, Snapshot) and not assessment.blind:
            self.state.measured = status.figures(seen)
            self.state.confirmed = {reading.account: reading for reading in seen.readings}
        self.state.memory = (
            memory if plan is None else memory.after(plan.target.ratio, hedged=plan.hedged, rolls=plan.rolls)
        )
        dead = seen.dead if isinstance(seen, Snapshot) else frozenset[str]()
        accounts = [intent.request.account for intent in self.state.open]
        busy = any(account in self.hedge.accounts and account not in dead for account in accounts)
        state = state_of(self.state.control, assessment, plan, busy=busy, sends=self.execution.sends)
        return CycleRecord(
            hedge=self.hedge.name,
            at=seen.at,
            state=state,
            reason=assessment.why() if plan is None else plan.reason,
            acted=plan is not None and plan.acts and self.execution.sends,
            body=status.body(
                self.hedge, state.value, wanted, self.state.memory, assessment, self.state.measured
            ),
            memory=self.state.memory,
        )

    async def _record(
        self, record: CycleRecord, plan: Plan | None
    ) -> tuple[Intent | None, TransferIntent | None]:
        """Write the cycle down, and at once the order or the transfer that it decided on; without that
        nothing is executed.

        Raises ``JournalError``."""
        changed = self.state.differs(record)
        if changed:
            log.info("cycle", hedge=record.hedge, state=record.state.value, reason=record.reason)
        self.state.last = record
        intent = move = None
        if plan is not None and plan.acts:
            intent = await self.execution.intend(plan, correction=self.state.memory.disturbed)
            move = await self.execution.intend_transfer(plan)
        if intent is not None:
            self.state.number = await self.journal.reserve(intent, record)
            self.state.put(intent)
        elif move is not None:
            self.state.number = await self.journal.reserve_transfer(move, record)
            self.state.put_transfer(move)
        else:
            self.state.number = await self.journal.record(record, keep=changed or record.acted)
            await self._note_end(plan)
        return intent, move

    async def _note_end(self, plan: Plan | None) -> None:
        """Write down that an unwind ended, or that its margin is home; where nothing is sent, neither did."""
        control = self.state.control
        if plan is None or not plan.hedged or plan.target.ratio != control.unwind_to:
            return
        if control.unwound and (control.home or not plan.home):
            return
        verb = Verb.HOME if control.unwound else Verb.UNWOUND
        done = Command(self.hedge.name, verb, control.unwind_to, "hedgebot", self.clock.now_ms())
        if self.execution.sends:
            await self.journal.command(done)
        self.state.control = self.state.control.after(done)  # it may be another by now

    async def _execute(
        self,
        plan: Plan,
        intent: Intent | None,
        move: TransferIntent | None,
        control: Control,
        until: float,
    ) -> None:
        """Nothing leaves once another command than those in ``control``, on which it was planned, holds.

        Raises ``JournalError``; what was sent is remembered all the same."""

        def holds() -> bool:
            return self.state.control == control

        try:
            async for moved in self.execution.execute(plan, intent, until=until, holds=holds):
                self.state.put(moved)
            if move is not None:
                async for transfer in self.execution.carry(move, until=until, holds=holds):
                    self.state.put_transfer(transfer)
        finally:
            self.state.acted_at = self.clock.monotonic()

    async def _account(self, seen: Observation) -> None:
        """Count funding and fees; what cannot be read now is counted later."""
        if self.state.dead or not isinstance(seen, Snapshot):
            return
        try:
            self.state.memory = await self.accounting.post(self.hedge, self.state.memory, agreed_time(seen))
        except HedgebotError as error:
            log.debug("ledger not read", hedge=self.hedge.name, reason=str(error))
