"""Any sequence of journal operations and restarts agrees with a dictionary that does the same."""

import asyncio
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hedgebot.domain.orders import FINAL, MOVES, Intent, Stage
from hedgebot.domain.records import Command, Memory, Verb
from hedgebot.domain.units import Coin, Contracts, Millis
from hedgebot.errors import JournalError
from hedgebot.journal.sqlite import SqliteJournal
from tests.journal.support import NOW, InlineLoop, cycle, open_sqlite, order

symbols = st.sampled_from(["BTC/USD:BTC", "ETH/USD:ETH"])
hedges = st.sampled_from(["btc", "eth"])
stages = st.sampled_from(Stage)


class JournalMachine(RuleBasedStateMachine):
    """The model: intents by client id in the order of their reservation, memories by hedge, commands."""

    journal: SqliteJournal

    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner(loop_factory=InlineLoop)
        self.folder = TemporaryDirectory()
        self.intents: dict[str, Intent] = {}
        self.memories: dict[str, Memory] = {}
        self.commands: list[Command] = []
        self.starts = self.records = 0
        self.start()

    def start(self) -> None:
        self.journal = self.runner.run(open_sqlite(Path(self.folder.name) / "hedgebot.db"))
        assert self.journal.epoch == self.starts
        self.starts += 1

    @rule(symbol=symbols)
    def reserve(self, symbol: str) -> None:
        number = self.runner.run(self.journal.next_intent())
        assert all(number != intent.number for intent in self.intents.values())
        client_id = f"hb{self.journal.epoch}n{number}"
        intent = order(number, symbol=symbol, client_id=client_id, at=NOW + number)
        if any(other.request.symbol == symbol for other in self.open()):
            with pytest.raises(JournalError, match="still waits"):
                self.runner.run(self.journal.reserve(intent))
        else:
            self.runner.run(self.journal.reserve(intent))
            self.intents[client_id] = intent

    @rule(pick=st.randoms(use_true_random=False), stage=stages, filled=st.integers(-100, 0))
    def resolve(self, pick: Random, stage: Stage, filled: int) -> None:
        if not self.intents:
            return
        old = self.intents[pick.choice(list(self.intents))]
        new = replace(old, stage=stage, filled=Contracts.of(filled), outcome=f"{stage} for {filled}")
        if stage in MOVES[old.stage]:
            self.runner.run(self.journal.resolve(new))
            self.intents[old.request.client_id] = new
        else:
            with pytest.raises(JournalError):
                self.runner.run(self.journal.resolve(new))

    @rule(hedge=hedges, held=st.integers(0, 9), keep=st.booleans())
    def record(self, hedge: str, held: int, keep: bool) -> None:
        record = cycle(hedge=hedge)
        record = replace(record, memory=replace(record.memory, held=Coin.of(held)))
        self.records += 1
        assert self.runner.run(self.journal.record(record, keep=keep)) == self.records
        self.memories[hedge] = record.memory

    @rule(hedge=hedges, verb=st.sampled_from(Verb))
    def command(self, hedge: str, verb: Verb) -> None:
        self.commands.append(Command(hedge, verb, None, "uid 1000", NOW))
        self.runner.run(self.journal.command(self.commands[-1]))

    @rule()
    def restart(self) -> None:
        self.runner.run(self.journal.close())
        self.start()

    @rule()
    def another_start_takes_over(self) -> None:
        older = self.journal
        self.start()
        with pytest.raises(JournalError, match="another daemon"):
            self.runner.run(older.reserve(order(1, client_id="late")))
        self.runner.run(older.close())

    @invariant()
    def the_journal_says_what_the_model_says(self) -> None:
        run, journal = self.runner.run, self.journal
        assert run(journal.open_intents()) == self.open()
        assert run(journal.intents_since(Millis(0))) == tuple(self.intents.values())
        assert run(journal.commands()) == tuple(self.commands)
        assert {hedge: run(journal.memory(hedge)) for hedge in self.memories} == self.memories

    def open(self) -> tuple[Intent, ...]:
        return tuple(intent for intent in self.intents.values() if intent.stage not in FINAL)

    def teardown(self) -> None:
        self.runner.run(self.journal.verify())
        self.runner.run(self.journal.close())
        self.runner.close()
        self.folder.cleanup()


TestJournalMachine = JournalMachine.TestCase
TestJournalMachine.settings = settings(max_examples=15, stateful_step_count=25)
