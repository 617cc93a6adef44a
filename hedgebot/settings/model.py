"""Every key of the configuration, its default, its bounds and its explanation.

What one value must be stands here; what several must be together (accounts that exist, coins claimed
once) is in ``rules``. Only ``load`` applies both.
"""

from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from hedgebot.settings import values
from hedgebot.settings.collateral import Collateral
from hedgebot.settings.fields import RATIO, Flag, Name, Section, count, duration, hidden, number, text, word
from hedgebot.settings.funding import Basis, Funding
from hedgebot.settings.paths import DEFAULT_URL, store_url
from hedgebot.settings.ratio import NumberOrTable, Ratio
from hedgebot.settings.roll import Roll

SUPPORTED_EXCHANGES = ("bybit", "binance", "okx")

FIVE_SECONDS = timedelta(seconds=5)


class Cycle(Section):
    """The rhythm of the loop."""

    interval: Annotated[timedelta, duration(least="100ms", most="1h")] = Field(
        default=FIVE_SECONDS,
        description="Time from the beginning of one cycle to the next: how often holdings and positions are"
        " read and compared. From 100ms to 1h.",
    )
    deadline: Annotated[timedelta, duration(least="100ms", most="5m")] = Field(
        default=2 * FIVE_SECONDS,
        description="All reads of one cycle together may take this long; after it the cycle counts as blind"
        " and trades nothing. From 100ms to 5m.",
    )
    settle_after: Annotated[timedelta, duration(least="1s", most="1h")] = Field(
        default=6 * FIVE_SECONDS,
        description="How long an order whose answer was lost may still arrive at the exchange. Until then"
        " nothing else is sent for its leg; the time window in each signed request is derived from it."
        " From 1s to 1h, independent of deadline.",
    )


class Store(Section):
    """Where the journal is kept."""

    url: Annotated[str, text(store_url)] = Field(
        default=DEFAULT_URL,
        description="The journal's database: sqlite:/// and a path. A relative path starts at"
        " $STATE_DIRECTORY, else at the working directory; four slashes begin an absolute one. The lock and"
        " the control socket (hedgebot.sock; in $RUNTIME_DIRECTORY if that is set) lie beside it.",
    )
    keep: Annotated[timedelta, duration(least="1s", most="3650d")] = Field(
        default=timedelta(days=30),
        description="How long the records of cycles that changed nothing are kept. Orders, transfers,"
        " commands and changes of reason are kept for ever. From 1s to 3650d.",
    )


class Api(Section):
    """The read-only HTTP server."""

    listen: Annotated[str, text(values.listen)] = Field(
        default="127.0.0.1:8787",
        description="IP address and port of the status page, health checks and metrics. Nothing here can"
        ' change anything. "" switches it off.',
    )
    hosts: tuple[Annotated[str, text(values.host)], ...] = Field(
        default=(),
        description="Names by which browsers may address the server (the Host header), besides this"
        " machine's own; without port.",
    )


class Alarms(Section):
    """Who is told when something needs a person."""

    webhook: Annotated[SecretStr, hidden(values.webhook)] = Field(
        default=SecretStr(""),
        description="Each alarm is sent here as a JSON POST when it is raised, again every 6 hours while it"
        " lasts, and when it is over. https, or plain http to this machine itself. Whoever knows the address"
        ' may hold a key with it: HEDGEBOT_ALARMS__WEBHOOK keeps it out of this file. "" tells nobody.',
    )


class Account(Section):
    """One account on one exchange. Its credentials come from the environment or from files."""

    exchange: Annotated[str, word(SUPPORTED_EXCHANGES)] = Field(
        description="The exchange's id in ccxt. Supported: " + ", ".join(SUPPORTED_EXCHANGES) + ".",
    )
    sandbox: Flag = Field(
        default=False,
        description="Use the exchange's testnet or demo trading, which has accounts and keys of its own.",
    )
    base_url: Annotated[str, text(values.base_url)] | None = Field(
        default=None,
        description="Connect to this scheme, host and port instead of the exchange's; paths, queries and the"
        " Host header stay. Plain http only to this machine itself. For proxies and simulated exchanges.",
    )
    allow_withdraw: Flag = Field(
        default=False,
        description="Accept a key that can withdraw coins. Otherwise nothing is traded with one: a hedge"
        " needs no such right, and whoever steals the key has it too.",
    )


class SpotEntry(Section):
    """Coins to protect: a wallet on an account, or a quantity kept elsewhere under a name."""

    account: Name | None = Field(
        default=None, description="An account whose spot wallet (or unified pot) holds coins of the asset."
    )
    name: Name | None = Field(
        default=None, description='What to call coins that no exchange shows, such as "cold".'
    )
    quantity: Annotated[Decimal, number(least="0", most="1e12")] | None = Field(
        default=None, description="How many coins are kept there. In quotes or not, it is read exactly."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        elsewhere = (self.name, self.quantity)
        if self.account is None and None in elsewhere:
            raise ValueError("must have an account, or a name and a quantity")
        if self.account is not None and elsewhere != (None, None):
            raise ValueError("must have either an account, or a name and a quantity, not both")
        return self


class Leg(Section):
    """A contract in which the hedge is short."""

    account: Name = Field(description="The account that holds the short.")
    symbol: Annotated[str, text(values.contract)] = Field(
        description='Unified symbol of a coin-margined (inverse) contract: a perpetual one, "BTC/USD:BTC", or'
        ' a dated one, "BTC/USD:BTC-261225", which is followed by the next quarterly one before it ends;'
        ' "next-quarter" is the first quarterly one that does not end too soon (see roll). Where'
        ' the exchange (bybit, okx) lists no inverse one, a linear one in tether, "SOL/USDT:USDT".'
    )
    leverage: Annotated[Decimal, number(least="1", most="125")] | None = Field(
        default=None,
        description="Leverage to set while the leg is flat, and to verify afterwards; from 1 to 125. Not"
        " set: the account's own is taken and not checked.",
    )
    margin_mode: Annotated[Literal["isolated", "cross"], word(("isolated", "cross"))] | None = Field(
        default=None,
        description='Margin mode, "isolated" or "cross", set and verified like leverage. Not set: the'
        " account's own is taken and not checked; cross where each order has its own (okx).",
    )
    weight: Annotated[Decimal, number(above="0", most="1000000")] = Field(
        default=Decimal(1),
        description="The leg's share of what the hedge sells is its weight over those of all legs. Above 0.",
    )


class Limits(Section):
    """How much the bot may do by itself."""

    slippage: Annotated[Decimal, number(above="0", most="0.1")] = Field(
        default=Decimal("0.005"),
        description="An order may fill at most this share worse than the mark price. 0.005 is 0.5 %."
        " Above 0, at most 0.1.",
    )
    orders_per_hour: Annotated[int, count(least=1, most=10_000)] = Field(
        default=20, description="Orders that one hedge may send in any hour. From 1 to 10000."
    )
    turnover_per_day: Annotated[Decimal, number(above="0", most="1000")] = Field(
        default=Decimal(3),
        description="What one hedge may trade in any day, as a multiple of its exposure. At most 1000.",
    )
    corrections_per_hour: Annotated[int, count(least=0, most=10_000)] = Field(
        default=10,
        description="How often in any hour the bot trades against changes of the position that are not its"
        " own, such as trades by hand. From 0 (never) to 10000.",
    )
    jump: Annotated[Decimal, number(above="0", most="1")] = Field(
        default=Decimal("0.2"),
        description="A fall of the held coins by more than this share must be seen three times over 30 s"
        " before it is acted on, and a price that moved by more holds orders until two reads agree. Above 0,"
        " at most 1.",
    )
    max_order_usd: Annotated[Decimal, number(above="0", most="1e12")] | None = Field(
        default=None, description="The largest single order in US dollars. Not set: no such limit."
    )


class Liquidation(Section):
    """Distances from mark price to liquidation price, as a share of the mark price."""

    warn: Annotated[Decimal, number(above="0", most="5")] = Field(
        default=Decimal("0.30"),
        description="Warn when the price is nearer than this to liquidation. 0.30 is a rise by 30 %."
        " At most 5.",
    )
    act: Annotated[Decimal, number(above="0", most="5")] = Field(
        default=Decimal("0.15"), description="Act when it is nearer than this. Must be below warn."
    )

    @field_validator("act")
    @classmethod
    def _nearer_than_warn(cls, act: Decimal, info: ValidationInfo) -> Decimal:
        warn = info.data.get("warn", act + 1)
        if act >= warn:
            raise ValueError(f"must be below warn ({warn:f}), not {act:f}")
        return act


class Hedge(Section):
    """One asset, where it is held, and the contracts that protect it."""

    asset: Annotated[str, text(values.asset, values.ASSET)] = Field(
        description='The coin to protect, such as "BTC".'
    )
    min_ratio: Annotated[Decimal, RATIO] = Field(
        default=Decimal(0), description="No command and no policy lowers the target below this. From 0 to 1."
    )
    max_ratio: Annotated[Decimal, RATIO] = Field(
        default=Decimal(1), description="No command and no policy raises the target above this. From 0 to 1."
    )
    ratio: NumberOrTable = Field(
        default=Decimal(1),
        description="The share of the held coins to sell short: 1 protects all of their value, 0.5 half."
        " From min_ratio to max_ratio. Or a table of policies that move it.",
    )
    band: Annotated[Decimal, number(above="0", most="0.5")] = Field(
        default=Decimal("0.02"),
        description="How far the ratio may drift from its target before the hedge trades back to it. Above"
        " 0, at most 0.5.",
    )
    spot: tuple[SpotEntry, ...] = Field(
        default=(),
        description="Where the coins are, besides the collateral of the legs, which always counts: accounts,"
        " and named quantities kept elsewhere.",
    )
    legs: tuple[Leg, ...] = Field(description="The contracts in which the hedge is short; at least one.")
    if_leg_down: Annotated[Literal["wait", "others"], word(("wait", "others"))] = Field(
        default="wait",
        description="What is still to be sold on a leg whose exchange is down or full waits for it (wait), or"
        " is sold on the others (others), after a minute of outage. What it is short already counts as last"
        " read, and is never traded meanwhile.",
    )
    limits: Limits = Field(default_factory=Limits, description="How much the bot may do by itself.")
    liquidation: Liquidation = Field(
        default_factory=Liquidation, description="When a liquidation price counts as near."
    )
    collateral: Collateral = Field(
        default_factory=Collateral, description="How the legs' margin is looked after."
    )
    funding: Funding = Field(default_factory=Funding, description="What the shorts may cost in funding.")
    roll: Roll = Field(default_factory=Roll, description="How dated legs move on.")
    basis: Basis = Field(
        default_factory=Basis, description="How far the contract may be from the index for new risk."
    )

    @field_validator("collateral")
    @classmethod
    def _not_to_and_fro(cls, value: Collateral, info: ValidationInfo) -> Collateral:
        liquidation = info.data.get("liquidation")
        if value.min_leverage is None or liquidation is None:
            return value
        restored = value.defined().restored(liquidation.warn)
        if value.min_leverage >= restored:
            most = restored.quantize(Decimal("0.01"), ROUND_FLOOR)
            said = f"min_leverage must be below {most:f}, where coins that move to a leg leave it"
            raise ValueError(f"{said}, not {value.min_leverage:f}")
        return value

    @field_validator("max_ratio")
    @classmethod
    def _not_below_min(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        least = info.data.get("min_ratio", value)
        if value < least:
            raise ValueError(f"must be at least min_ratio ({least:f}), not {value:f}")
        return value

    @field_validator("ratio")
    @classmethod
    def _within(cls, value: Decimal | Ratio, info: ValidationInfo) -> Decimal | Ratio:
        fixed = value.fixed if isinstance(value, Ratio) else value
        least, most = info.data.get("min_ratio", fixed), info.data.get("max_ratio", fixed)
        if least <= most and not least <= fixed <= most:
            raise ValueError(f"must be from min_ratio to max_ratio ({least:f} to {most:f}), not {fixed:f}")
        return value

    @field_validator("legs")
    @classmethod
    def _some(cls, legs: tuple[Leg, ...]) -> tuple[Leg, ...]:
        if not legs:
            raise ValueError("must name at least one contract")
        return legs


class Settings(BaseSettings):
    """The whole configuration. Build it with ``load``, which looks at file and environment."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True
    )

    mode: Annotated[Literal["observe", "live"], word(("observe", "live"), later=("paper",))] = Field(
        default="observe",
        description='"observe" looks and decides but sends nothing; "live" trades.',
    )
    cycle: Cycle = Field(default_factory=Cycle, description="The rhythm of the loop.")
    store: Store = Field(default_factory=Store, description="Where the journal is kept.")
    api: Api = Field(default_factory=Api, description="The read-only HTTP server.")
    alarms: Alarms = Field(default_factory=Alarms, description="Who is told when something needs a person.")
    accounts: dict[Name, Account] = Field(
        default_factory=dict,
        description="Accounts on exchanges, each under a name (a-z, 0-9 and single underscores).",
    )
    hedges: dict[Name, Hedge] = Field(
        default_factory=dict, description="Hedges, each under a name like those of accounts."
    )

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what ``load`` passes: it was given the environment, the process's own is not read."""
        return (sources["init_settings"],)
