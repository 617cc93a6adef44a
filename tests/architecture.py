"""The lines that keep the flow in the middle and the edges around it.

Each rule is a function from the program's parsed modules to what breaks it, one sentence each.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LONGEST_BODY = 40
"""Lines of a function's body, docstring included: one screen. It may only ever become smaller."""

EDGES = {"exchange", "external", "holdings", "lease", "notify", "api", "journal", "sim", "backtest"}
STAGES = {"observation", "risk", "planning", "execution"}
MAY_IMPORT_EDGES = {"__main__", "app", "serve", "cli", "backtest"}  # the composition root is app and serve

MAY_IMPORT = {
    "errors": set[str](),
    "domain": {"errors"},
    "risk": {"domain"},
    "planning": {"domain"},
    "ports": {"domain", "errors"},
    "clock": {"domain", "ports"},
    "observation": {"domain", "errors", "ports"},
    "execution": {"domain", "errors", "ports"},
    "settings": {"domain", "errors", "scrubber"},
    "scrubber": set[str](),
    "serving": set[str](),
    "logs": {"scrubber"},
    **{edge: {"domain", "errors", "ports", "scrubber", "serving"} for edge in EDGES - {"sim", "backtest"}},
    "sim": {"domain", "errors", "ports", "serving"},
}
"""Of our own packages and modules, which each may import besides itself; others only keep off the edges."""

PURE = {"domain", "risk", "planning"}
STANDARD_LIBRARY_ONLY = PURE | {"errors", "ports", "scrubber"}
OWN_ARITHMETIC = ("sim", "domain.inverse")
ONLY_IN = {"ccxt": {"exchange"}}

CLOCKS = {"clock", "sim.virtual"}
ENTROPY = {"app"}
READS_TIME = re.compile(
    r"time\.(time|monotonic|perf_counter|process_time|thread_time|clock_gettime)(_ns)?|time\.(sleep|localtime|gmtime)"
    r"|datetime\.datetime\.(now|utcnow|today)|datetime\.date\.today"
    r"|.*loop(\(\))?\.time"
)
DRAWS = re.compile(r"random\.(?!Random$).*|uuid\.uuid[14]|os\.(urandom|getrandom)|secrets\.\w+")

HELPERS = re.compile(r"_*(test|fake|mock|stub|dummy)(_|$)|.*_for_tests?(_|$)|(Fake|Mock|Stub|Dummy)[A-Z]")


@dataclass(frozen=True)
class Module:
    """One parsed file of the program; ``name`` is without ``hedgebot.``, and "" for its top."""

    name: str
    source: str
    is_package: bool = False

    @property
    def home(self) -> str:
        return self.name.partition(".")[0]

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def nodes(self) -> Sequence[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def aliases(self) -> Mapping[str, str]:
        """What each imported name stands for, in full: ``{"mono": "time.monotonic"}``."""
        names = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    names[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    names[alias.asname or alias.name] = f"{self._base(node)}.{alias.name}"
        return names

    @cached_property
    def imports(self) -> list[str]:
        """Everything imported anywhere in the file, in full, also names that are no modules."""
        plain = [a.name for node in self.nodes if isinstance(node, ast.Import) for a in node.names]
        return plain + [
            f"{self._base(node)}.{alias.name}"
            for node in self.nodes
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        ]

    @property
    def own_imports(self) -> list[str]:
        return [name.removeprefix("hedgebot.") for name in self.imports if name.startswith("hedgebot.")]

    @property
    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        return (n for n in self.nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = ["hedgebot", *self.name.split(".")] + ([""] if self.is_package else [])
        return ".".join([*parts[: -node.level], *([node.module] if node.module else [])])


Program = Sequence[Module]
Rule = Callable[[Program], list[str]]


def read_program(root: Path) -> Program:
    package = root / "hedgebot"
    return [
        Module(
            ".".join(path.relative_to(package).with_suffix("").parts).removesuffix("__init__").rstrip("."),
            path.read_text(),
            path.name == "__init__.py",
        )
        for path in sorted(package.rglob("*.py"))
    ]


def imports_follow_the_table(program: Program) -> list[str]:
    homes = {module.home for module in program} | MAY_IMPORT.keys() | EDGES | STAGES
    return [
        f"{module.name} must not import hedgebot.{name}"
        for module in program
        for name in module.own_imports
        for home in [name.partition(".")[0]]
        if home in homes - {module.home}
        if home not in MAY_IMPORT.get(module.home, homes)
        or (home in EDGES and module.home not in MAY_IMPORT_EDGES)
    ]


def pure_code_imports_only_the_standard_library(program: Program) -> list[str]:
    return [
        f"{module.name} must not import {name}"
        for module in program
        if module.home in STANDARD_LIBRARY_ONLY
        for name in module.imports
        if name.partition(".")[0] not in sys.stdlib_module_names | {"hedgebot"}
    ]


def libraries_stay_at_their_edge(program: Program) -> list[str]:
    return [
        f"{module.name} must not import {name}"
        for module in program
        for name in module.imports
        if module.home not in ONLY_IN.get(name.partition(".")[0], {module.home})
    ]


def the_simulator_has_its_own_arithmetic(program: Program) -> list[str]:
    """Through no chain of imports either: a wrong formula would agree with itself."""
    who, what = OWN_ARITHMETIC
    modules = {module.name: module for module in program}
    seen = {name: name for name, module in modules.items() if module.home == who}
    queue = list(seen)
    for name in queue:
        for target in modules[name].own_imports:
            found = target if target in modules else target.rpartition(".")[0]
            if found in modules and found not in seen:
                seen[found] = f"{seen[name]} → {found}"
                queue.append(found)
    return [f"{seen[what]}: the simulator must not use {what}"] if what in seen else []


def pure_code_never_waits(program: Program) -> list[str]:
    waiting = ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith
    return [
        f"{module.name} must not wait: {ast.unparse(node).splitlines()[0]}"
        for module in program
        if module.home in PURE
        for node in module.nodes
        if isinstance(node, waiting) or (isinstance(node, ast.comprehension) and node.is_async)
    ]


def only_clocks_read_the_time(program: Program) -> list[str]:
    return _uses(READS_TIME, "reads the time, which is an argument", program, CLOCKS)


def only_the_root_draws_entropy(program: Program) -> list[str]:
    unseeded = [
        f"{module.name}:{node.lineno} makes a generator without a seed"
        for module in program
        if module.name not in ENTROPY
        for node in module.nodes
        if isinstance(node, ast.Call) and not node.args and _full_name(node.func, module) == "random.Random"
    ]
    return unseeded + _uses(DRAWS, "draws chance, which is an argument", program, ENTROPY)


def functions_fit_a_screen(program: Program) -> list[str]:
    return [
        f"{module.name}:{function.lineno} {function.name} has {lines} lines"
        for module in program
        for function in module.functions
        for lines in [(function.end_lineno or 0) - function.body[0].lineno + 1]
        if lines > LONGEST_BODY
    ]


def nothing_exists_for_tests_alone(program: Program) -> list[str]:
    named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return [
        f"{module.name}:{node.lineno} {node.name} looks like a helper of tests"
        for module in program
        for node in module.nodes
        if isinstance(node, named) and HELPERS.match(node.name)
    ]


def packages_say_what_belongs_in_them(program: Program) -> list[str]:
    return [
        f"the package {module.name or 'hedgebot'} needs a docstring"
        for module in program
        if module.is_package and not ast.get_docstring(module.tree)
    ]


def _uses(forbidden: re.Pattern[str], problem: str, program: Program, allowed: set[str]) -> list[str]:
    return sorted(
        {
            f"{module.name}:{node.lineno} {problem}: {name}"
            for module in program
            if module.name not in allowed
            for node in module.nodes
            if isinstance(node, ast.Name | ast.Attribute)
            for name in [_full_name(node, module)]
            if forbidden.fullmatch(name)
        }
    )


def _full_name(node: ast.expr, module: Module) -> str:
    """``time.monotonic`` for that function, however it was imported; other expressions as written."""
    if isinstance(node, ast.Name):
        return module.aliases.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        return f"{_full_name(node.value, module)}.{node.attr}"
    return ast.unparse(node)


RULES: list[Rule] = [
    imports_follow_the_table,
    pure_code_imports_only_the_standard_library,
    libraries_stay_at_their_edge,
    the_simulator_has_its_own_arithmetic,
    pure_code_never_waits,
    only_clocks_read_the_time,
    only_the_root_draws_entropy,
    functions_fit_a_screen,
    nothing_exists_for_tests_alone,
    packages_say_what_belongs_in_them,
]
