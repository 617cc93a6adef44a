"""ccxt's class for an exchange is the one that everybody else gets, and brings no other exchange with it."""

import subprocess
import sys
from pathlib import Path

import pytest

from hedgebot.exchange.registry import EXCHANGES

pytestmark = pytest.mark.slow

ALONE = """
import sys
from hedgebot.exchange.vendor_class import vendor_class
found = vendor_class({name!r})
print(*(module for module in sys.modules if module.startswith("ccxt.async_support.")))
import ccxt, ccxt.async_support as whole
assert whole.{name} is found is vendor_class({name!r})
assert issubclass(whole.NetworkError, ccxt.BaseError) and issubclass(found, whole.Exchange)
"""


@pytest.mark.parametrize("name", [*EXCHANGES, "binancecoinm"])
def test_it_comes_alone_and_is_the_one_of_the_package(name: str, root: Path) -> None:
    code = ALONE.format(name=name)
    told = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    exchanges = {module.split(".")[2] for module in told.stdout.split()} - {"base"}
    assert exchanges == {name, "binance" if name.startswith("binance") else name}
