"""What a key may do, as each exchange tells it: rights, addresses, expiry; and nothing made up."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hedgebot.domain.account import KeyScope
from hedgebot.domain.units import Millis
from hedgebot.errors import BackOffError, ConversionError, CredentialsError, ReadError
from hedgebot.exchange.bybit import key as bybit_key
from hedgebot.exchange.bybit import venue as bybit_venue
from hedgebot.exchange.okx import key as okx_key
from hedgebot.exchange.okx import venue as okx_venue
from hedgebot.exchange.wire import Reply
from hedgebot.ports import Clock
from hedgebot.sim.account import ApiKey
from hedgebot.sim.faults import Fault
from tests.exchange.kit import BINANCE, BYBIT, KEY, OKX, SECRET, Bench, Venue, play
from tests.exchange.tamper import Change

IN_A_MONTH = Millis(int(datetime(2027, 3, 1, 12, tzinfo=UTC).timestamp()) * 1000)
BOUND = ("127.0.0.1",)
"""The address that requests in memory come from."""


@dataclass(frozen=True)
class Asked:
    """A venue, the path that tells of the key, and where the fields are in its reply."""

    venue: Venue
    path: str
    root: str = ""
    tells_expiry: bool = True

    def change(self, field: str, value: object) -> Change:
        return Change(self.path, f"{self.root}{field}", lambda _: value)


ASKED = (
    Asked(BYBIT, "/v5/user/query-api"),
    Asked(BINANCE, "/sapi/v1/account/apiRestrictions"),
    Asked(OKX, "/api/v5/account/config", "data[0].", tells_expiry=False),
)
every_exchange = pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.venue.name)


def told(asked: Asked, changes: tuple[Change, ...] = (), **permissions: Any) -> KeyScope:
    """What the account says of a key with these permissions, through the dialect and ccxt."""
    found: list[KeyScope] = []

    async def act(bench: Bench) -> None:
        key = ApiKey(key=KEY, secret=SECRET, account="main", passphrase=asked.venue.password)
        bench.exchange.set_key(replace(key, **permissions))
        found.append(await bench.account.key_scope())

    play(act, asked.venue, changes=changes)
    return found[0]


@dataclass
class Ahead:
    """The exchange's clock, an hour ahead of ours."""

    ours: Clock

    def now_ms(self) -> Millis:
        return Millis(self.ours.now_ms() + 3_600_000)

    def monotonic(self) -> float:
        return self.ours.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self.ours.sleep(seconds)


class TestEveryExchange:
    @every_exchange
    def test_an_ordinary_key(self, asked: Asked) -> None:
        assert told(asked) == KeyScope(trade=True, withdraw=False, ip_bound=False, expires_at=None)

    @every_exchange
    @pytest.mark.parametrize("read_only", [True, False])
    @pytest.mark.parametrize("withdraw", [True, False])
    @pytest.mark.parametrize("ips", [(), BOUND, (*BOUND, "203.0.113.7")], ids=len)
    def test_rights_and_addresses(
        self, asked: Asked, read_only: bool, withdraw: bool, ips: tuple[str, ...]
    ) -> None:
        scope = told(asked, read_only=read_only, withdraw=withdraw, ips=ips)
        assert (scope.trade, scope.ip_bound) == (not read_only, bool(ips))
        if asked.venue is OKX or not read_only:  # the others list no right that a key cannot use
            assert scope.withdraw is withdraw

    @every_exchange
    def test_its_expiry(self, asked: Asked) -> None:
        scope = told(asked, expires_ms=IN_A_MONTH)
        assert scope.expires_at == (IN_A_MONTH if asked.tells_expiry else None)

    @every_exchange
    def test_is_asked_anew_each_time(self, asked: Asked) -> None:
        async def act(bench: Bench) -> None:
            key = ApiKey(key=KEY, secret=SECRET, account="main", passphrase=asked.venue.password)
            seen = []
            for withdraw in (False, True, False):
                bench.exchange.set_key(replace(key, withdraw=withdraw))
                seen.append((await bench.account.key_scope()).withdraw)
            assert seen == [False, True, False]
            assert bench.arrived[f"GET {asked.path}"] == 3
            assert not bench.placed

        play(act, asked.venue)

    @every_exchange
    def test_a_refused_key_is_a_credentials_error(self, asked: Asked) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.revoke_key(KEY)
            with pytest.raises(CredentialsError) as caught:
                await bench.account.key_scope()
            assert SECRET not in str(caught.value)
            assert KEY not in str(caught.value)

        play(act, asked.venue)

    @every_exchange
    @pytest.mark.parametrize("kind", ["html_200", "empty_200", "null_200", "truncate_reply", "lose_reply"])
    def test_what_is_no_answer_is_a_read_error_and_never_a_scope(self, asked: Asked, kind: str) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ReadError):
                await bench.account.key_scope()
            assert bench.arrived[f"GET {asked.path}"] == 3, "it was tried again"

        play(act, asked.venue, plan=[Fault(kind, path=asked.path, method="GET")])

    @every_exchange
    def test_one_that_passes_is_tried_again(self, asked: Asked) -> None:
        async def act(bench: Bench) -> None:
            assert (await bench.account.key_scope()).trade is True

        play(act, asked.venue, plan=[Fault("lose_reply", path=asked.path, method="GET", limit=2)])

    @every_exchange
    def test_a_ban_is_obeyed(self, asked: Asked) -> None:
        async def act(bench: Bench) -> None:
            for _ in range(2):
                with pytest.raises(BackOffError):
                    await bench.account.key_scope()
            assert bench.arrived[f"GET {asked.path}"] == 1

        play(act, asked.venue, plan=[Fault("http_status", status=429, path=asked.path, limit=1)])

    @every_exchange
    def test_our_clock_may_be_an_hour_wrong(self, asked: Asked) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.truth.clock = Ahead(bench.clock)
            assert (await bench.account.key_scope()).trade is True

        play(act, asked.venue)


WRONG: dict[tuple[int, str], tuple[object, ...]] = {
    (0, "readOnly"): (None, "", 2, -1, True, "yes"),
    (0, "permissions"): (None, [], "all"),
    (0, "permissions.ContractTrade"): (None, ""),
    (0, "permissions.Wallet"): (None, "", ["withdraw"], ["Withdraw", "WithdrawAll"], [None]),
    (0, "ips"): (None, [], "", "*", [""], [1]),
    (0, "expiredAt"): (None, "", "soon", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01", 1),
    (1, "enableFutures"): (None, "true", 1, 0, ""),
    (1, "enableWithdrawals"): (None, "true", 1, 0, ""),
    (1, "ipRestrict"): (None, "true", 1, 0, ""),
    (2, "perm"): (None, "", "everything", "read_only,", "read_only, trade", 7, "Trade"),
    (2, "ip"): (None, 0, []),
}
"""By exchange and field, what must never pass for an answer."""


@pytest.mark.parametrize(
    ("asked", "field", "value"),
    [(ASKED[which], field, value) for (which, field), values in WRONG.items() for value in values],
)
def test_a_field_that_is_not_as_it_must_be_is_an_error_that_names_it(
    asked: Asked, field: str, value: object
) -> None:
    with pytest.raises(ConversionError, match=field.rpartition(".")[2]):
        told(asked, (asked.change(field, value),))


@pytest.mark.parametrize("value", [None, "", "soon", -1, 10**15, True])
def test_so_is_binances_expiry_which_only_some_keys_have(value: object) -> None:
    change = ASKED[1].change("tradingAuthorityExpirationTime", value)
    with pytest.raises(ConversionError, match="tradingAuthorityExpirationTime"):
        told(ASKED[1], (change,), expires_ms=IN_A_MONTH)


class TestRightsOfTheirOwn:
    """What counts is the right to trade contracts."""

    def test_bybit_lists_rights_for_keys_that_only_read_too(self) -> None:
        listed = ASKED[0].change("permissions.Wallet", ["AccountTransfer", "Withdraw"])
        scope = told(ASKED[0], (listed,), read_only=True)
        assert (scope.trade, scope.withdraw) == (False, False)

    @pytest.mark.parametrize(("rights", "trade"), [([], False), (["Position"], False), (["Order"], True)])
    def test_bybit_wants_the_one_for_orders(self, rights: list[str], trade: bool) -> None:
        assert told(ASKED[0], (ASKED[0].change("permissions.ContractTrade", rights),)).trade is trade

    @pytest.mark.parametrize(
        ("ips", "bound"),
        [(["*"], False), (["203.0.113.7", "*"], False), (["203.0.113.7", "203.0.113.8"], True)],
    )
    def test_bybit_says_anywhere_with_an_asterisk(self, ips: list[str], bound: bool) -> None:
        assert told(ASKED[0], (ASKED[0].change("ips", ips),)).ip_bound is bound

    @pytest.mark.parametrize("never", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
    def test_bybit_says_never_with_a_day_long_ago(self, never: str) -> None:
        assert told(ASKED[0], (ASKED[0].change("expiredAt", never),)).expires_at is None

    @pytest.mark.parametrize("enabled", [True, False])
    def test_binance_wants_the_one_for_futures(self, enabled: bool) -> None:
        assert told(ASKED[1], (ASKED[1].change("enableFutures", enabled),)).trade is enabled

    @pytest.mark.parametrize(("perm", "trade"), [("read_only", False), ("trade", True)])
    def test_okx_wants_the_one_to_trade(self, perm: str, trade: bool) -> None:
        assert told(ASKED[2], (ASKED[2].change("perm", perm),)).trade is trade


def test_binances_demo_trading_tells_nothing_and_is_not_asked() -> None:
    async def act(bench: Bench) -> None:
        scope = await bench.account.key_scope()
        assert scope == KeyScope(trade=None, withdraw=None, ip_bound=None, expires_at=None)
        assert not bench.arrived

    play(act, BINANCE, options={"sandbox": True})


class TestPublishedReplies:
    """What the exchanges' own documentation shows, word for word."""

    def test_bybit(self) -> None:
        body = b"""{"retCode": 0, "retMsg": "", "result": {
            "id": "2208369", "note": "testnet", "apiKey": "XXXXXXXX", "readOnly": 1, "secret": "",
            "permissions": {"ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"],
                "Wallet": ["AccountTransfer", "SubMemberTransfer"], "Options": [],
                "Derivatives": ["DerivativesTrade"], "CopyTrading": [], "BlockTrade": [],
                "Exchange": ["ExchangeHistory"], "NFT": [], "Affiliate": [], "Earn": ["Earn"]},
            "ips": ["203.0.113.164", "203.0.113.47"], "type": 1, "deadlineDay": -2,
            "expiredAt": "1970-01-01T00:00:00Z", "createdAt": "2025-10-13T03:20:45Z", "unified": 0, "uta": 1,
            "userID": 1448939, "inviterID": 0, "vipLevel": "PRO-1", "mktMakerLevel": "0", "affiliateID": 0,
            "rsaPublicKey": "", "isMaster": true, "parentUid": "0", "kycLevel": "LEVEL_1",
            "kycRegion": "MYS", "userIDInt64": "0", "inviterIDInt64": "0", "affiliateIDInt64": "0"
            }, "retExtInfo": {}, "time": 1776149990532}"""
        answer = bybit_venue.answer(Reply(200, {}, body, 0.0, 0.1), "key")
        assert bybit_key.scope(answer) == KeyScope(
            trade=False, withdraw=False, ip_bound=True, expires_at=None
        )

    def test_okx(self, shared: Path) -> None:
        text = (shared / "payloads" / "okx-swap" / "docs_GetAccountConfiguration.json").read_text()
        body = json.dumps(json.loads(text)["response"]).encode()
        answer = okx_venue.answer(Reply(200, {}, body, 0.0, 0.1), "key")
        assert okx_key.scope(answer) == KeyScope(trade=True, withdraw=True, ip_bound=True, expires_at=None)
