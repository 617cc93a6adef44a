"""THE LOOP: settle -> observe -> assess -> plan -> record -> execute, for one hedge.

An unsettled or incoherent cycle still observes, assesses and records, so the page and the alarms stay
awake; only acting is off. The stages meet here, through values of ``domain``, and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from hedgebot.accounting import Accounting
from hedgebot.domain.decision import Assessment, Plan
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.orders import Intent
from hedgebot.domain.readings import agreed_time
from hedgebot.domain.records import POLICY, Command, Control, CycleRecord, Memory, Verb
from hedgebot.domain.snapshot import Observation, Snapshot
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import ZERO
from hedgebot.errors import HedgebotError, JournalError
from hedgebot.execution import Execution, Settler
from hedgebot.hedge_state import HedgeState
from hedgebot.lookout import Lookout
from hedgebot.observation import AccountFeed
from hedgebot.planning import decide, follow, target
from hedgebot.ports import Clock, Journal
from hedgebot.recorder import Recorder
from hedgebot.risk import View, assess

log = structlog.get_logger("hedgebot.cycle")


@dataclass
class Cycle:
    """One hedge's loop body; ``run`` is one turn of it. ``configured`` is the hedge as the config has it."""

    configured: Hedge
    feeds: Mapping[str, AccountFeed]
    settler: Settler
    execution: Execution
    accounting: Accounting
    journal: Journal
    clock: Clock
    fresh_for: float
    state: HedgeState

    def __post_init__(self) -> None:
        self._lookout = Lookout(
            self.configured,
            self.feeds,
            self.settler,
            self.accounting,
            self.journal,
            self.clock,
            self.state,
            self.execution.sends,
        )
        self._recorder = Recorder(self.execution, self.journal, self.clock, self.state)

    @property
    def hedge(self) -> Hedge:
        """The hedge with the contracts that it is in now."""
        return self._lookout.hedge

    async def run(self, since: float) -> CycleRecord:
        """One cycle on readings begun at or after ``since``; faults outside never raise here."""
        await self._lookout.settle()
        view = await self._lookout.observe(since)
        assessment, memory = assess(view)
        assessment = self._recorder.with_journal_fault(assessment)
        memory = await self._follow(view, assessment, memory)
        control = self.state.control
        plan = self.state.plan = self._plan(view.observed, assessment, memory)
        record = self._recorder.conclude(self.hedge, view.observed, assessment, plan, memory)
        try:
            order, move = await self._recorder.record(record, plan)
            if plan is not None and plan.acts:
                # A freeze may lie between the last reply and the end that it was given: the start bounds it.
                seen = min(view.snapshot.ended, view.snapshot.started + self.fresh_for)
                await self._execute(plan, order, move, control, until=seen + self.fresh_for)
        except JournalError as error:
            self.state.fail(error)
            log.warning("journal failed; nothing more is sent", reason=str(error))
        await self._account(view.observed)
        return record

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
                state.fail(error)
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
