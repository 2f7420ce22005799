#!/usr/bin/env python3
"""Measures what carecoord takes, and writes docs/performance.md.

    benches/performance.py [--patients N ...] [--duckdb PROGRAM CHECKOUT] [--program FILE] [--out FILE]

Builds the release program unless --program names one, makes up extracts of each size (25,000 and 100,000 patients unless stated), and
measures ingest, compute, one measure, many practitioners, small groups of buckets, and the demo: wall time, processor time of all
threads, peak resident memory, and bytes written. With --duckdb, PROGRAM (`PROGRAM ingest EXTRACTS OUT --repo CHECKOUT`, `PROGRAM compute
PROJECT CHECKOUT OUT`) does the same work on DuckDB right after each of them, with the SQL of CHECKOUT, measure by measure.

Needs Python 3.11 on Linux. Nothing else should run meanwhile.
"""

import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
# So many practitioners in place of each, for what many groups cost.
TIMES = 30


@dataclass
class Took:
    """What a command took: seconds of wall and processor time, and the peak of its resident memory in megabytes."""

    wall: float
    cpu: float
    peak: float


def measure(command: list[str]) -> Took:
    """Runs a command to its end."""
    print("  " + " ".join(map(str, command)), file=sys.stderr, flush=True)
    begun = time.monotonic()
    child = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = child.stderr.read().decode(errors="replace")
    _, status, used = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{errors[-2000:]}")
    return Took(time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def size(folder: Path) -> float:
    """Megabytes of the files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def results(project: Path) -> Path:
    name = (project / "results" / "CURRENT").read_text().strip()
    return project / "results" / "snapshots" / name


def with_many_practitioners(extracts: Path, out: Path) -> None:
    """A copy of extracts in which each practitioner is many, each of some of the patients."""
    out.mkdir()
    for path in sorted(extracts.glob("*.csv")):
        with open(path, newline="") as source, open(out / path.name, "w", newline="") as target:
            reader = csv.DictReader(source)
            fields = reader.fieldnames or []
            writer = csv.DictWriter(target, fields)
            writer.writeheader()
            named = [name for name in fields if name.endswith(("practitioner_id", "coordinator_id"))]
            for row in reader:
                if path.stem == "practitioner":
                    for number in range(TIMES):
                        writer.writerow(row | {"practitioner_id": f"{row['practitioner_id']}x{number}"})
                    continue
                of = zlib.crc32(row.get("patient_id", "").encode()) % TIMES
                writer.writerow(row | {name: f"{row[name]}x{of}" for name in named if row[name]})
    for path in extracts.iterdir():
        if path.suffix != ".csv":
            shutil.copy(path, out / path.name)


class Page:
    """Rows of the page's tables."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.cpu: dict[str, float] = {}

    def add(self, patients: int, what: str, took: Took, other: Took | None = None, note: str = "") -> None:
        beside = f"{other.cpu:.1f} / {other.wall:.1f} / {other.peak:,.0f}" if other else ""
        ratio = f"{took.cpu / other.cpu:.2f}" if other else ""
        ours = f"{took.cpu:.1f} / {took.wall:.1f} / {took.peak:,.0f}"
        self.rows.append(f"| {patients:,} | {what} | {ours} | {took.cpu / took.wall:.2f} | {beside} | {ratio} | {note} |")
        print(self.rows[-1], file=sys.stderr, flush=True)
        self.cpu[f"{what} {patients}"] = took.cpu


def dearest_steps(program: str, project: Path) -> str:
    """The steps that took most, as a table."""
    question = "select step, what, wall_seconds, cpu_seconds, rows, bytes from results.timing order by cpu_seconds desc limit 15"
    out = subprocess.run([program, "sql", "--project", project, "--format", "csv", question], capture_output=True, text=True, check=True)
    lines = ["| step | of what | wall s | CPU s | rows | MB |", "|---|---|---|---|---|---|"]
    for step, what, wall, cpu, rows, written in list(csv.reader(out.stdout.splitlines()))[1:]:
        measures = what.split(", ")
        named = what if len(measures) < 3 else f"{measures[0]} and {len(measures) - 1} more"
        megabytes = f"{int(written) / 1e6:.1f}" if written else ""
        lines.append(f"| {step} | {named} | {float(wall):.2f} | {float(cpu):.2f} | {rows} | {megabytes} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--patients", type=int, nargs="+", default=[25_000, 100_000])
    parser.add_argument("--duckdb", nargs=2, metavar=("PROGRAM", "CHECKOUT"))
    parser.add_argument("--program")
    parser.add_argument("--out", type=Path, default=REPO / "docs" / "performance.md")
    parser.add_argument("--folder", help="where the made-up extracts lie; several times their size must be free")
    given = parser.parse_args()
    program = given.program
    if program is None:
        subprocess.run(["cargo", "build", "--release"], cwd=REPO, check=True)
        target = Path(os.environ.get("CARGO_TARGET_DIR", REPO / "target"))
        program = str(target / "release" / "carecoord")
    duck = [sys.executable, given.duckdb[0]] if given.duckdb else None
    page, steps = Page(), ""
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for patients in given.patients:
            place = Path(folder) / str(patients)
            place.mkdir()
            extracts, project, beside = place / "extracts", place / "project", place / "duckdb"
            measure([program, "generate", "--patients", patients, "--out", extracts])
            took = measure([program, "ingest", "--source", "carecoord", "--extracts", extracts, "--project", project])
            other = measure([*duck, "ingest", extracts, beside, "--repo", given.duckdb[1]]) if duck else None
            page.add(patients, "ingest", took, other, f"{size(extracts):,.0f} MB of CSV, lake {size(project / 'lake'):,.0f} MB")
            shutil.rmtree(beside, ignore_errors=True)
            took = measure([program, "compute", "--project", project])
            other = measure([*duck, "compute", project, given.duckdb[1], beside]) if duck else None
            page.add(patients, "compute, all measures", took, other, f"results {size(results(project)):,.0f} MB")
            steps = dearest_steps(program, project)
            shutil.rmtree(beside, ignore_errors=True)
            for one in ("readmission.unplanned_30", "referral.seen_90"):
                page.add(patients, f"compute --only {one}", measure([program, "compute", "--project", project, "--only", one]))
            if patients == given.patients[0]:
                took = measure([program, "compute", "--project", project, "--buckets-at-once", "1"])
                page.add(patients, "compute, one bucket at a time", took, None, "what groups of buckets cost")
                many = place / "many"
                with_many_practitioners(extracts, many)
                measure([program, "ingest", "--source", "carecoord", "--extracts", many, "--project", place / "of-many"])
                took = measure([program, "compute", "--project", place / "of-many"])
                page.add(patients, f"compute, {TIMES} times as many practitioners", took, None, f"results {size(results(place / 'of-many')):,.0f} MB")
            shutil.rmtree(place)
        took = measure([program, "demo", "--project", Path(folder) / "demo"])
        page.add(4_500, "demo, with reports", took)
    given.out.write_text(page_text(page, steps, given, program))


def page_text(page: Page, steps: str, given: argparse.Namespace, program: str) -> str:
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) / 2**20
    duck = ""
    if given.duckdb:
        duck = (
            "\nDuckDB does the same work with the same SQL, measure by measure, right after each of ours: it reads, types and writes the rows of\n"
            "the extracts without quarantine, hashes or references, and counts rates without intervals, suppression, models, waits or work lists.\n"
        )
    header = "| patients | work | carecoord: CPU s / wall s / peak MB | cores used | DuckDB: CPU s / wall s / peak MB | CPU ratio | |"
    return f"""# Performance

Measured by `benches/performance.py`, which writes this page; do not edit it. {version}, release build, {os.cpu_count()} cores
({model}), {memory:.0f} GiB. Processor time is that of all threads; compare within one table, since machines differ from day to day.
{duck}
{header}
|---|---|---|---|---|---|---|
{chr(10).join(page.rows)}

The dearest steps of computing all measures of {given.patients[-1]:,} patients (`results.timing`). Processor time is that of the whole program while
the step ran, so that steps which run at the same time each show all of it.

{steps}
"""


if __name__ == "__main__":
    main()
