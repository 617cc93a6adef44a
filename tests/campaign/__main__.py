"""The campaign's command line.

python -m tests.campaign run --seeds 1:300 [--jobs 2] [--hours H] [--least 50] [--json FILE]
python -m tests.campaign replay SEED [--only 2,5] [--until SECONDS] [-v]
python -m tests.campaign shrink SEED
python -m tests.campaign summary FILE…
python -m tests.campaign crashes [--jobs 2] [--part 1] [--least 10000]
python -m tests.campaign planted [--jobs 2]
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.campaign.draw import drawn
from tests.campaign.plan import Plan
from tests.campaign.searching import MOST, every_bug, every_point
from tests.campaign.seeds import Result, attempt, every
from tests.campaign.shrink import smallest
from tests.campaign.tally import Tally, report
from tests.campaign.troubles import KINDS


def say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def command_of(plan: Plan) -> str:
    """The one command that replays a plan."""
    whole = drawn(plan.seed)
    words = [f"python -m tests.campaign replay {plan.seed}"]
    if len(plan.troubles) < len(whole.troubles):
        words.append("--only " + (",".join(str(trouble.number) for trouble in plan.troubles) or "none"))
    if plan.quiet_at < whole.quiet_at:
        words.append(f"--until {plan.quiet_at:g}")
    return " ".join([*words, "-v"])


def run(options: argparse.Namespace) -> int:
    first, _, last = options.seeds.partition(":")
    seeds = range(int(first), int(last or first) + 1)
    began, total, failed = time.monotonic(), Tally(), list[Result]()

    def late() -> bool:
        return options.hours is not None and time.monotonic() - began > options.hours * 3600

    for result in every(seeds, options.jobs, late):
        total.add(result.tally)
        if result.violations:
            failed.append(result)
            _tell(result)
    document = {"seeds": options.seeds, "violations": {r.seed: r.violations for r in failed}, **total.plain()}
    if options.json:
        Path(options.json).write_text(json.dumps(document, indent=1))
    return _conclude(total, len(failed), options.least, time.monotonic() - began)


def _tell(result: Result) -> None:
    say(f"seed {result.seed}: {result.violations[0]}")
    for other in result.violations[1:4]:
        say(f"    {other}")
    say(f"    {command_of(drawn(result.seed))}")


def _conclude(total: Tally, failed: int, least: int, seconds: float | None = None) -> int:
    for line in report(total, failed, seconds):
        say(line)
    missing = total.missing(tuple(KINDS), least) if least else []
    for line in missing:
        say(f"void: {line}")
    return 1 if failed or missing else 0


def replay(options: argparse.Namespace) -> int:
    plan = drawn(options.seed)
    if options.only is not None:
        plan = plan.only([int(number) for number in options.only.split(",") if number != "none"])
    if options.until is not None:
        plan = plan.cut(options.until)
    outcome = attempt(plan, keep=options.verbose)
    say(f"seed {plan.seed}: {plan.venue} over {plan.depth}, {plan.config}")
    for trouble in plan.troubles:
        say(f"  {trouble}")
    for line in outcome.story:
        say(line)
    for violation in outcome.violations:
        say(f"VIOLATION {violation}")
    say(f"{len(outcome.violations)} violations; trace {outcome.digest[:16]}")
    return 1 if outcome.violations else 0


def shrink(options: argparse.Namespace) -> int:
    plan = drawn(options.seed)
    rules = {violation.rule for violation in attempt(plan).violations}
    if not rules:
        say(f"seed {plan.seed} breaks nothing")
        return 0

    def fails(smaller: Plan) -> bool:
        return bool(rules & {violation.rule for violation in attempt(smaller).violations})

    small = smallest(plan, fails)
    for trouble in small.troubles:
        say(f"  {trouble}")
    for violation in attempt(small).violations:
        say(f"VIOLATION {violation}")
    say(command_of(small))
    return 1


def summary(options: argparse.Namespace) -> int:
    total, failed = Tally(), 0
    for file in options.files:
        document: dict[str, Any] = json.loads(Path(file).read_text())
        total.add(Tally.read(document))
        failed += len(document["violations"])
        for seed, violations in document["violations"].items():
            say(f"seed {seed}: {violations[0]}")
    return _conclude(total, failed, options.least)


def crashes(options: argparse.Namespace) -> int:
    began, deaths, recovering, broken = time.monotonic(), 0, 0, 0
    for walked in every_point(options.jobs, options.part):
        deaths, recovering = deaths + walked.deaths, recovering + walked.recovering
        broken += len(walked.violations)
        for violation in walked.violations[:3]:
            say(f"{walked.way}: {violation}")
    points = deaths + recovering
    say(f"died at {points} points, {recovering} of them while recovering: {broken} violations")
    say(f"in {time.monotonic() - began:.0f} s")
    if points < options.least:
        say(f"void: {options.least} points were wanted")
    return 1 if broken or points < options.least else 0


def planted(options: argparse.Namespace) -> int:
    missed = 0
    for name, seed, verdict in every_bug(options.jobs):
        missed += seed is None
        say(f"{name}: " + (f"seed {seed}: {verdict[:120]}" if seed else f"NOT FOUND in {MOST} seeds"))
    return 1 if missed else 0


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaign", description="Whole lives under troubles."
    )
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("run", help="play seeds and judge them")
    one.add_argument("--seeds", default="1:300", help="first:last")
    one.add_argument("--jobs", type=int, default=1, help="processes")
    one.add_argument("--hours", type=float, help="begin no more seeds after so long")
    one.add_argument(
        "--least", type=int, default=0, help="how often each trouble has to strike; 0: do not ask"
    )
    one.add_argument("--json", help="write the figures here, for summary")
    one.set_defaults(act=run)
    one = commands.add_parser("replay", help="play one seed again")
    one.add_argument("seed", type=int)
    one.add_argument("--only", help="numbers of the troubles that strike")
    one.add_argument("--until", type=float, help="seconds after which all is quiet")
    one.add_argument("-v", "--verbose", action="store_true", help="tell all that happens")
    one.set_defaults(act=replay)
    one = commands.add_parser("shrink", help="find what a failing seed needs to fail")
    one.add_argument("seed", type=int)
    one.set_defaults(act=shrink)
    one = commands.add_parser("summary", help="add figures up")
    one.add_argument("files", nargs="+")
    one.add_argument("--least", type=int, default=0)
    one.set_defaults(act=summary)
    one = commands.add_parser("crashes", help="die at every point, one after the other")
    one.add_argument("--jobs", type=int, default=1, help="processes")
    one.add_argument("--part", type=int, default=1, help="walk only one way in so many")
    one.add_argument("--least", type=int, default=0, help="how many points there have to be")
    one.set_defaults(act=crashes)
    one = commands.add_parser("planted", help="find each planted bug")
    one.add_argument("--jobs", type=int, default=1, help="processes")
    one.set_defaults(act=planted)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    options = parsed(arguments)
    result: int = options.act(options)
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
