"""`python -m bench` (`make bench`): prints a table of ratios and writes `var/bench.json`.

The figures are medians of alternated rounds on one machine at one moment; only the ratios are worth comparing.
With `SERVERS=1` in the environment it also tries settings of the web server under slow clients.
"""

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import pages
from bench.backlog import EVENTS_A_SECOND, MOST_OF_P95, drain, receipt_beside_backlog
from bench.deflection import show_coverages
from bench.log import MOST_CHECK_SECONDS, check_log
from bench.people import People, application, fill
from bench.ratios import Pair, Ratio
from bench.rig import ENGINES, BenchError, empty_database, folder
from bench.servers import choose_server
from bench.taggers import bench_taggers
from portal.config import VAR
from tests.support.processes import ProcessError

Report = dict[str, Any]
PARTS = ("pages", "events", "taggers")


def main() -> int:
    """Exit code 1 when something could not be measured; a goal that is not reached is said, not punished."""
    options = arguments()
    report: Report = {"python": platform.python_version(), "cores": os.cpu_count(), "engines": {}}
    try:
        with folder() as place:
            for engine in options.engines if options.only != "taggers" else ():
                report["engines"][engine] = bench_engine(engine, place, options)
            if options.only in (None, "taggers"):
                report["taggers"] = bench_taggers(options.rounds)
            if os.environ.get("SERVERS") == "1":
                report["servers"] = choose_server(place)
        if options.only is None:
            report["deflection"] = show_coverages()
    except (BenchError, ProcessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    path = VAR / "bench.json"
    path.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\nwritten to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench", description="Ratios against a floor measured in the same run."
    )
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--rounds", type=int, default=5, help="alternated rounds; the median counts (5)")
    parser.add_argument(
        "--only", choices=PARTS, help="pages, Stripe's events, or the taggers of the inbox (all)"
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="of load in each round (2)")
    return parser.parse_args()


def bench_engine(engine: str, place: Path, options: argparse.Namespace) -> Report:
    """One engine, part by part."""
    print(f"\n{engine}")
    report: Report = {}
    with empty_database(engine, place) as database_url:
        people = fill(database_url)
        compared = [pair for pair in pages.pairs(engine) if options.only in (None, part_of(pair))]
        log = place / f"{engine}.log"
        if options.only != "events":
            report |= bench_pages(database_url, people)
        ratios = pages.measure(
            compared, database_url, people, log, rounds=options.rounds, seconds=options.seconds
        )
        report["ratios"] = [asdict(ratio) | {"reaches_goal": ratio.reaches_goal} for ratio in ratios]
        print(f"  {'':34} ratio  (rounds)        of CPU  goal          per second, against")
        for ratio in ratios:
            show_ratio(ratio)
        if options.only != "pages":
            report |= bench_events(engine, database_url, place, log, options.rounds)
    return report


def part_of(pair: Pair) -> str:
    return "events" if pair == pages.RECEIPT else "pages"


def bench_pages(database_url: str, people: People) -> Report:
    """What is not a ratio: the team page's queries, and how long the log is checked."""
    with application(database_url) as app, app.app_context():
        checked = check_log()
    queries = pages.team_page_queries(database_url, people)
    show(
        "queries on the team page",
        len(queries),
        f"at most {pages.MOST_QUERIES}",
        len(queries) <= pages.MOST_QUERIES,
    )
    name = f"seconds to check {checked.rows:,} log rows"
    show(name, checked.seconds, f"at most {MOST_CHECK_SECONDS:g}", checked.reaches_goal)
    return {
        "log_check": asdict(checked) | {"goal_seconds": MOST_CHECK_SECONDS},
        "team_page_queries": {"count": len(queries), "most": pages.MOST_QUERIES, "statements": queries},
    }


def bench_events(engine: str, database_url: str, place: Path, log: Path, rounds: int) -> Report:
    """What a backlog costs the receipt (not on SQLite, whose p95 is erratic), and how fast it drains."""
    report: Report = {}
    if engine == "postgres":
        receipt = receipt_beside_backlog(database_url, log, rounds=rounds)
        name = f"p95 of receipt, {receipt.waiting:,} waiting / none"
        show(name, receipt.ratio, f"at most {MOST_OF_P95:g}", receipt.reaches_goal)
        report["receipt"] = asdict(receipt) | {"reaches_goal": receipt.reaches_goal}
    rates = drain(database_url, place)
    for rate in rates:
        name = f"a second ({rate.by_cpu:.0f} of CPU), {rate.name}"
        show(name, rate.per_second, f"at least {EVENTS_A_SECOND}", rate.reaches_goal)
    report["drain"] = [asdict(rate) | {"reaches_goal": rate.reaches_goal} for rate in rates]
    return report


def show_ratio(ratio: Ratio) -> None:
    """A line of the table."""
    goal = ratio.pair.goal
    words = "" if goal is None else f"{goal:.2f} {'reached' if ratio.reaches_goal else 'missed'}"
    print(
        f"  {ratio.pair.name:34} {ratio.value:5.2f}  ({ratio.low:.2f} to {ratio.high:.2f})"
        f"  {ratio.by_cpu:6.2f}  {words:13} {ratio.rate:6.0f}, {ratio.floor_rate:6.0f}"
    )


def show(name: str, value: float, goal: str, is_reached: bool) -> None:
    """A line for what is measured by itself."""
    number = f"{value:5}" if isinstance(value, int) else f"{value:5.2f}"
    print(f"  {name:56} {number}  {goal} {'reached' if is_reached else 'missed'}")


if __name__ == "__main__":
    sys.exit(main())
