"""What is printed and kept: the tables, and the page that says what they mean."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from importlib.metadata import version

from bench.load import CONNECTIONS, tool
from bench.rounds import Application, Reference, growth, rates, shares, time_ms
from bench.servers import ROOT
from bench.settings import Settings
from bench.workloads import Workload

RESULTS = ROOT / "bench" / "RESULTS.md"
PREFACE = (ROOT / "bench" / "preface.md").read_text(encoding="utf-8")
MOST_GROWTH = 0.25
MOST_MEMORY = 150
PACKAGES = ("flask", "sqlalchemy", "pg8000", "psycopg", "marshmallow", "gunicorn")


def cores() -> int:
    """Return how many processors the servers may use."""
    return len(os.sched_getaffinity(0))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, aligned so that it also reads well as text; all but the first column to the right."""
    widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        first, *rest = [(cell, width) for cell, width in zip(cells, widths, strict=True)]
        return (
            "| " + " | ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]) + " |"
        )

    rule = (
        "|"
        + "|".join(
            "-" * (width + 2) if place == 0 else "-" * (width + 1) + ":" for place, width in enumerate(widths)
        )
        + "|"
    )
    return "\n".join([line(heads), rule, *(line(row) for row in rows)])


def shares_table(settings: Settings, applications: Sequence[Application], reference: Reference) -> str:
    """Return the first table: each workload beside the reference, by driver."""
    heads = ["Workload", "Reference/s"]
    for application in applications:
        heads += [f"{application.label}/s", "of it", "lowest to highest"]
    heads.append("To reach")
    rows = []
    for workload in settings.workloads:
        row = [workload.title, f"{statistics.median(rates(reference, workload)):,.0f}"]
        for application in applications:
            parts = shares(application, reference, workload)
            row += [
                f"{statistics.median(rates(application, workload)):,.0f}",
                _share(statistics.median(parts)),
                f"{_share(min(parts))} to {_share(max(parts))}",
            ]
        rows.append([*row, _to_reach(workload)])
    return table(heads, rows)


def _share(part: float) -> str:
    return f"{part:.3f}"


def _to_reach(workload: Workload) -> str:
    if workload.share is not None:
        return f"{workload.share:.2f}"
    return f"{workload.per_core:.0f}/s a core" if workload.per_core is not None else "-"


def verdicts(
    settings: Settings, default: Application, large: Application | None, reference: Reference
) -> list[str]:
    """Return a line for each target: what the default driver came to, and whether that is enough."""
    lines = []
    for workload in settings.workloads:
        if workload.share is not None:
            part = statistics.median(shares(default, reference, workload))
            told = f"{workload.title}: {_share(part)} of the reference, at least {workload.share:.2f} wanted"
            lines.append(_verdict(told, part >= workload.share))
        if workload.per_core is not None:
            # Of the workers' own time: the machine's cores have the load tool, PostgreSQL and Redis to serve as well.
            each = 1000 / statistics.median(one.busy_ms for one in default.measured[workload.name])
            by_the_clock = statistics.median(rates(default, workload)) / cores()
            told = (
                f"{workload.title}: {each:.0f} a second of a worker's core, at least {workload.per_core:.0f} wanted"
                f" ({by_the_clock:.0f} a second and core of the whole machine)"
            )
            lines.append(_verdict(told, each >= workload.per_core))
    if large:
        most, title = max(
            (growth(default, large, workload), workload.title) for workload in settings.workloads
        )
        told = f"Growth to a million tickets: at most {most:+.0%} ({title}), {MOST_GROWTH:+.0%} allowed"
        lines.append(_verdict(told, most <= MOST_GROWTH))
    held = max(worker.resident for worker in default.server.memory())
    told = f"Memory of a worker: {held:.0f} MB, {MOST_MEMORY} allowed"
    return [*lines, _verdict(told, held <= MOST_MEMORY)]


def _verdict(told: str, reached: bool) -> str:
    return f"- {told}: {'reached' if reached else 'NOT reached'}."


def cost_table(settings: Settings, applications: Sequence[Application], reference: Reference) -> str:
    """Return the table of what a request costs the workers; it depends less on what else the machine does."""
    subjects = (reference, *applications)
    rows = [
        [workload.title]
        + [
            f"{statistics.median(each.busy_ms for each in subject.measured[workload.name]):.2f}"
            for subject in subjects
        ]
        for workload in settings.workloads
    ]
    return table(["Workload", *(f"{subject.label}, ms" for subject in subjects)], rows)


def growth_table(settings: Settings, small: Application, large: Application) -> str:
    """Return the second table: how much slower each workload is with fifty times the tickets."""
    heads = ["Workload", "ms at 20,000", "ms at 1,000,000", "growth", "at most"]
    rows = []
    for workload in settings.workloads:
        before, after = time_ms(small, workload), time_ms(large, workload)
        grown = growth(small, large, workload)
        rows.append([workload.title, f"{before:.1f}", f"{after:.1f}", f"{grown:+.0%}", f"{MOST_GROWTH:+.0%}"])
    return table(heads, rows)


def memory_table(applications: Sequence[Application], reference: Reference) -> str:
    """Return the third table: what each worker holds after all of the load."""
    rows = [
        [f"{subject.label}, worker {number}"]
        + [f"{megabytes:.0f}" for megabytes in (worker.resident, worker.proportional, worker.peak)]
        for subject in (*applications, reference)
        for number, worker in enumerate(subject.server.memory(), start=1)
    ]
    return table(["Worker", "RSS, MB", "PSS, MB", "most ever, MB"], rows)


def machine(settings: Settings, applications: Sequence[Application]) -> str:
    """Return what it was measured on, without naming the machine."""
    ((server,),) = applications[0].database.rows("SHOW server_version")
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{cores()} cores and {memory:.0f} GB for everything together (load tool, gunicorn, PostgreSQL, Redis), "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"PostgreSQL {server.split()[0]}, Redis {applications[0].kept.info('server')['redis_version']}, "
        f"{packages}. Load by {_tool_version()}: {settings.rounds} rounds of {settings.seconds} seconds each, "
        f"over {CONNECTIONS} connections."
    )


def _tool_version() -> str:
    if tool() != "wrk":
        return tool()
    said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False)
    return " ".join((said.stdout + said.stderr).split()[:2])


def tell(
    settings: Settings,
    applications: Sequence[Application],
    large: Application | None,
    reference: Reference,
) -> None:
    """Print the results, and keep them when the run measured everything that the page shows."""
    everyone = [*applications, *([large] if large else [])]
    sections = {
        "Beside the reference": shares_table(settings, applications, reference),
        f"The targets, by {applications[0].label}": "\n".join(
            verdicts(settings, applications[0], large, reference)
        ),
        "From 20,000 to 1,000,000 tickets": (
            growth_table(settings, applications[0], large)
            if large
            else "Not measured in this run: `SCALE=1` does."
        ),
        "What a request costs the workers": cost_table(settings, applications, reference),
        "Memory of each worker after all of it": memory_table(everyone, reference),
        "Measured on": machine(settings, applications),
    }
    body = "\n\n".join(f"## {head}\n\n{text}" for head, text in sections.items())
    print(f"\n{body}\n")
    if settings.complete:
        RESULTS.write_text(f"{PREFACE}\n{body}\n", encoding="utf-8")
        print(f"Kept in {RESULTS.relative_to(ROOT)}.")
    else:
        print(f"Not kept: {RESULTS.relative_to(ROOT)} takes a run of all workloads by both drivers.")
