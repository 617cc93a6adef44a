"""The file: private to its owner, recognised, and refused where it is foreign, newer or edited."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hedgebot.domain.orders import Stage
from hedgebot.errors import JournalError
from hedgebot.journal import schema
from tests.journal.support import NOW, contents, cycle, files, open_sqlite, order, place, use


def modes(path: Path) -> list[str]:
    return [oct(file.stat().st_mode & 0o777) for file in files(path) if file.exists()]


def expose(path: Path) -> None:
    path.chmod(0o666)


def linked(path: Path) -> Path:
    link = path.with_name("link.db")
    link.symlink_to(path)
    return link


def run_script(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(script)


def edit_rows(path: Path, edit: str) -> None:
    """As only somebody who drops the triggers can, and creates them again."""
    with closing(sqlite3.connect(path)) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    dropped = [f"DROP TRIGGER {name};" for name, _ in triggers]
    run_script(path, "\n".join([*dropped, f"{edit};", *(f"{sql};" for _, sql in triggers)]))


class TestFile:
    async def test_only_its_owner_can_read_it(self, path: Path) -> None:
        journal = await open_sqlite(path)
        assert modes(path) == ["0o600"] * 3
        await journal.close()

    async def test_a_file_with_loose_permissions_is_made_private(self, path: Path) -> None:
        run_script(path, "PRAGMA journal_mode = WAL")
        expose(path)
        journal = await open_sqlite(path)
        assert modes(path) == ["0o600"] * 3
        await journal.close()

    async def test_a_commit_is_on_the_disk_when_it_returns(self, path: Path) -> None:
        journal = await open_sqlite(path)
        asked = ("synchronous", "journal_mode", "foreign_keys", "wal_autocheckpoint")
        pragmas = [journal._database._connected().execute(f"PRAGMA {name}").fetchone()[0] for name in asked]
        assert pragmas == [2, "wal", 1, 0]
        await journal.close()

    async def test_it_is_one_plain_file_once_closed(self, path: Path) -> None:
        journal = await open_sqlite(path)
        await use(journal, 1)
        await journal.close()
        await journal.close()
        assert [file.exists() for file in files(path)] == [True, False, False]

    async def test_history_cannot_be_rewritten(self, path: Path) -> None:
        journal = await open_sqlite(path)
        await use(journal, 1)
        await journal.close()
        for table in ("starts", "intents", "commands", "cycles"):
            for edit in (f"UPDATE {table} SET seal = ''", f"DELETE FROM {table}"):
                with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                    run_script(path, edit)


class TestRefusal:
    @pytest.mark.parametrize(
        ("script", "what", "next_step"),
        [
            ("CREATE TABLE orders (id)", "a database of another program", "Name another file in store.url"),
            ("PRAGMA application_id = 7", "a database of another program", "Name another file in store.url"),
            ("PRAGMA user_version = 1", "a database of another program", "Name another file in store.url"),
            (
                f"PRAGMA application_id = {schema.APPLICATION}; PRAGMA user_version = 3",
                "has schema 3; this hedgebot knows schema 2",
                "It was written by a newer hedgebot: install that version or a later one",
            ),
        ],
    )
    async def test_a_foreign_or_newer_database_is_left_alone(
        self, path: Path, script: str, what: str, next_step: str
    ) -> None:
        run_script(path, script)
        before = contents(path)
        with pytest.raises(JournalError, match=what) as refused:
            await open_sqlite(path)
        assert refused.value.next_step == next_step
        assert contents(path) == before

    async def test_a_file_that_is_no_database_is_left_alone(self, path: Path) -> None:
        text = b'mode = "live"\n' * 100
        place(path, text)
        with pytest.raises(JournalError, match="file is not a database") as refused:
            await open_sqlite(path)
        assert refused.value.next_step.startswith("Name another file in store.url")
        assert contents(path)[0] == text

    async def test_a_folder_that_does_not_exist_is_named(self, path: Path) -> None:
        with pytest.raises(JournalError, match=r"absent/hedgebot\.db.* See that its folder exists"):
            await open_sqlite(path.parent / "absent" / path.name)

    async def test_a_folder_in_its_place_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(JournalError, match="cannot be used"):
            await open_sqlite(tmp_path)

    async def test_an_emptied_database_beside_its_log_is_refused(self, path: Path) -> None:
        journal = await open_sqlite(path)
        await journal.reserve(order(1))
        _, log = contents(path)
        await journal.close()
        place(path, b"", log)
        for name in (path, linked(path)):
            with pytest.raises(JournalError, match="was cut short"):
                await open_sqlite(name)


class TestEdits:
    @pytest.fixture
    async def written(self, path: Path) -> Path:
        for _ in range(2):
            journal = await open_sqlite(path)
            await journal.close()
        journal = await open_sqlite(path)
        await use(journal, 1)
        await journal.reserve(order(2))
        await journal.resolve(order(2).moved(Stage.UNKNOWN))
        for n in range(3):
            await journal.record(cycle(NOW + n), keep=False)
        await journal.verify()
        await journal.close()
        return path

    @pytest.mark.parametrize(
        "edit",
        [
            "UPDATE intents SET stage = 'rejected' WHERE stage = 'closed'",
            "UPDATE intents SET body = replace(body, '60000.5', '60000.6')",
            "UPDATE intents SET written_at = 0 WHERE id = 2",
            "DELETE FROM intents WHERE id = 1",
            "DELETE FROM unresolved",
            "UPDATE unresolved SET latest = reserved",
            "INSERT INTO unresolved VALUES ('main:ETH/USD:ETH', 'hb9', 1, 1)",
            "UPDATE starts SET epoch = 0",
            "UPDATE commands SET verb = 'resume'",
            "UPDATE memories SET body = replace(body, '59946', '0')",
            "UPDATE memories SET newest = base",
        ],
    )
    async def test_what_decisions_rest_on_is_checked_at_each_start(self, written: Path, edit: str) -> None:
        edit_rows(written, edit)
        with pytest.raises(JournalError, match=r"does not (match|follow)") as refused:
            await open_sqlite(written)
        assert "start again: a new journal settles from what the exchange shows" in refused.value.next_step

    @pytest.mark.parametrize(
        ("was", "becomes", "name"),
        [
            ("(written_at)", "(number)", "intents_since"),
            ("leg TEXT PRIMARY KEY", "lag TEXT PRIMARY KEY", "unresolved"),  # one flipped bit
            ("stage = 'reserved'", "stage = 'seserved'", "'intents_once', 'transfers_once'"),
            ("'append-only'", "'append-once'", "commands_last"),
        ],
    )
    async def test_so_is_how_everything_is_defined(
        self, was: str, becomes: str, name: str, written: Path
    ) -> None:
        quoted = [words.replace("'", "''") for words in (was, becomes)]
        edit = "UPDATE sqlite_master SET sql = replace(sql, '{}', '{}')".format(*quoted)
        run_script(written, f"PRAGMA writable_schema = ON; {edit}")
        with pytest.raises(JournalError, match=f"the journal's definitions are damaged .*{name}") as refused:
            await open_sqlite(written)
        assert "a new journal settles" in refused.value.next_step

    async def test_a_definition_that_is_no_text_is_damaged(self, written: Path) -> None:
        """A bit of a record's header makes it bytes."""
        edit = "UPDATE sqlite_master SET sql = CAST(sql AS BLOB) WHERE name = 'commands_last'"
        run_script(written, f"PRAGMA writable_schema = ON; {edit}")
        with pytest.raises(JournalError, match="'commands_last'"):
            await open_sqlite(written)

    async def test_an_index_that_lacks_a_row_is_noticed(self, written: Path) -> None:
        index = "CREATE INDEX intents_since ON intents (written_at)"
        with closing(sqlite3.connect(written)) as db:
            db.executescript(f"DROP INDEX intents_since; {index} WHERE number > 1;")
            db.execute("PRAGMA writable_schema = ON")
            db.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'intents_since'", (index,))
            db.commit()
        with pytest.raises(JournalError, match="the journal's intents are damaged"):
            await open_sqlite(written)

    async def test_what_others_added_does_not_matter(self, written: Path) -> None:
        run_script(written, "ANALYZE; CREATE VIEW fills AS SELECT * FROM intents; CREATE TABLE theirs (a)")
        journal = await open_sqlite(written)
        await journal.close()

    async def test_the_comments_of_another_version_do_not_matter(self, written: Path) -> None:
        run_script(
            written,
            "PRAGMA writable_schema = ON;"
            " UPDATE sqlite_master SET sql = replace(sql, '-- one row', '-- a row')",
        )
        journal = await open_sqlite(written)
        await journal.close()

    @pytest.mark.parametrize(
        "edit",
        [
            "UPDATE cycles SET state = 'paused' WHERE number = 1",
            "UPDATE cycles SET body = (SELECT body FROM cycles WHERE number = 2) WHERE number = 3",
            "UPDATE cycles SET at = at + 1 WHERE number < 4",
            "DELETE FROM cycles WHERE number = 1; UPDATE cycles SET base = 1",
        ],
    )
    async def test_records_for_people_are_checked_by_verify(self, written: Path, edit: str) -> None:
        edit_rows(written, edit)
        journal = await open_sqlite(written)
        with pytest.raises(JournalError, match="of the journal's cycles does not match its checksum"):
            await journal.verify()
        await journal.close()
