"""What importing the settings costs."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def imported(root: Path, statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    return {module.partition(".")[0] for module in result.stdout.split()}


@pytest.mark.parametrize("module", ["load", "secrets", "paths", "schema", "effective"])
def test_no_library_that_talks_to_exchanges(module: str, root: Path) -> None:
    assert not imported(root, f"import hedgebot.settings.{module}") & {
        "ccxt",
        "aiohttp",
        "structlog",
        "typer",
    }


def test_no_models_to_find_the_socket(root: Path) -> None:
    assert not imported(root, "import hedgebot.settings.paths") & {"pydantic", "pydantic_settings"}
