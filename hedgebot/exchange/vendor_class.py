"""One exchange's class out of ccxt, without the hundred others.

Importing ccxt's packages imports every exchange twice: half of a daemon's start and of its memory. Nothing
of theirs is needed to import one module beneath them but their folders and a few base names.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any

PACKAGE = "ccxt.async_support"


def vendor_class(name: str) -> type[Any]:
    """ccxt's asynchronous class for an exchange, the same that its package has. ``name`` is its ccxt id."""
    if PACKAGE in sys.modules:
        return _imported(name)
    with _bare_packages():
        return _imported(name)


def _imported(name: str) -> type[Any]:
    found: type[Any] = getattr(import_module(f"{PACKAGE}.{name}"), name)
    return found


@contextmanager
def _bare_packages() -> Iterator[None]:
    """Within the block ccxt's packages are their folders alone; who imports them later gets them whole."""
    packages = ("ccxt", PACKAGE)
    kept = {package: sys.modules[package] for package in packages if package in sys.modules}
    try:
        for package in packages:
            if package not in kept and (spec := find_spec(package)) is not None:
                sys.modules[package] = module_from_spec(spec)
        if "ccxt" not in kept:
            _name_base_classes()
        yield
    finally:
        for package in packages:
            if package not in kept:
                sys.modules.pop(package, None)


def _name_base_classes() -> None:
    """The names that ccxt's own base modules ask the package ``ccxt`` for: its errors and its first class."""
    names = dict(vars(import_module("ccxt.base.errors")))
    names["Exchange"] = import_module("ccxt.base.exchange").Exchange
    vars(sys.modules["ccxt"]).update({name: kind for name, kind in names.items() if name[0] != "_"})
