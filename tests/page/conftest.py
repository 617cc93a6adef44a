"""One browser for all of the page's tests, a fresh tab for each."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.page.browser import CHROMIUM, Tab, chromium, tab


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if CHROMIUM is None:
        pytest.skip("no browser: install Debian's package chromium")
    with chromium(tmp_path_factory.mktemp("profile")) as address:
        yield address


@pytest.fixture
async def shown(browser: str) -> AsyncIterator[Tab]:
    """A tab that has to end without a complaint: no exception, console error or violation of the policy.

    That a server which ended cannot be reached is no fault of the page.
    """
    async with tab(browser) as opened:
        await opened.screen(1280)
        yield opened
    assert [each for each in opened.complaints if "net::ERR_" not in each] == []
