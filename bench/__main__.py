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
from bench.log import MOST_CHECK_SECONDS, LogCheck, check_log
from bench.people import application, fill
from bench.ratios import Ratio
from bench.rig import ENGINES, BenchError, empty_database, folder
from bench.servers import choose_server
from portal.config import VAR
from tests.support.processes import ProcessError

Report = dict[str, Any]


def main() -> int:
    """Exit code 1 when something could not be measured; a goal that is not reached is said, not punished."""
    options = arguments()
    report: Report = {"python": platform.python_version(), "cores": os.cpu_count(), "engines": {}}
    try:
        with folder() as place:
            for engine in options.engines:
                report["engines"][engine] = bench_engine(engine, place, options.rounds, options.seconds)
            if os.environ.get("SERVERS") == "1":
                report["servers"] = choose_server(place)
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
    parser.add_argument("--seconds", type=float, default=2.0, help="of load in each round (2)")
    return parser.parse_args()


def bench_engine(engine: str, place: Path, rounds: int, seconds: float) -> Report:
    """One engine: the ratios, and the team page's queries."""
    log = place / f"{engine}.log"
    with empty_database(engine, place) as database_url:
        people = fill(database_url)
        with application(database_url) as app, app.app_context():
            checked = check_log()
        queries = pages.team_page_queries(database_url, people)
        ratios = pages.measure(engine, database_url, people, log, rounds=rounds, seconds=seconds)
    show(engine, ratios, len(queries), checked)
    return {
        "ratios": [asdict(ratio) | {"reaches_goal": ratio.reaches_goal} for ratio in ratios],
        "log_check": asdict(checked) | {"goal_seconds": MOST_CHECK_SECONDS},
        "team_page_queries": {"count": len(queries), "most": pages.MOST_QUERIES, "statements": queries},
    }


def show(engine: str, ratios: list[Ratio], queries: int, checked: LogCheck) -> None:
    """The table of one engine."""
    print(f"\n{engine:36} ratio  (rounds)        of CPU  goal          per second, against")
    for ratio in ratios:
        goal = ratio.pair.goal
        words = "" if goal is None else f"{goal:.2f} {'reached' if ratio.reaches_goal else 'missed'}"
        print(
            f"  {ratio.pair.name:34} {ratio.value:5.2f}  ({ratio.low:.2f} to {ratio.high:.2f})"
            f"  {ratio.by_cpu:6.2f}  {words:13} {ratio.rate:6.0f}, {ratio.floor_rate:6.0f}"
        )
    words = f"{pages.MOST_QUERIES} {'reached' if queries <= pages.MOST_QUERIES else 'missed'}"
    print(f"  {'queries on the team page':34} {queries:5}                          {words}")
    name = f"seconds to check {checked.rows:,} log rows"
    words = f"{MOST_CHECK_SECONDS:g} {'reached' if checked.reaches_goal else 'missed'}"
    print(f"  {name:34} {checked.seconds:5.1f}                          {words}")


if __name__ == "__main__":
    sys.exit(main())
