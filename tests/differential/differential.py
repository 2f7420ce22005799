#!/usr/bin/env python3
"""Computes every measure of the catalogue a second time, on DuckDB, and compares the outcome with carecoord's results.

    differential.py PROJECT REPO [--only PREFIX ...]

PROJECT is a carecoord project whose newest results were computed with `suppress_below = 0`. REPO is a checkout of carecoord: its
measures, prepared views, instruments and contracts of tables are read. Exit code 0 when everything agrees, 1 when anything
differs or a computed measure was not compared, 2 for a usage error. The README in this folder says what is compared.

Needs Python 3.11 or later and the packages duckdb (2.0 or later), numpy and pyarrow.
"""

import argparse
import csv
import datetime
import json
import math
import re
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

Connection = duckdb.DuckDBPyConnection
Values = dict[str, Any]

# How many rows that differ are shown of each measure and table.
EXAMPLES = 3


class UsageError(Exception):
    """The program was called with a project or a repository that it cannot work with."""


def first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


# ------------------------------------------------------------------------------------------------------------ the catalogue

# How SQL that yields the units of all variants of a definition joins the table of these variants.
VARIANTS = re.compile(r"cross join variant(?!\w)")


@dataclass(frozen=True)
class Measure:
    """One variant of a definition."""

    id: str
    folder: str
    family: str
    cohort: str
    position: int
    kind: str
    window_days: int
    feed: str
    periods: list[str]
    count_immature: bool
    store_units: str
    needs: list[str]
    needs_any: list[str]
    needs_rows: list[dict[str, str]]
    feeds: list[dict[str, str]]
    subgroups: int
    apart: dict[str, Any] | None
    instrument: dict[str, str] | None
    params: Values
    sql: str
    by_payer: str | None
    definition: str


def read_toml(path: Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        return tomllib.load(file)


def params_of(variant: dict[str, Any]) -> Values:
    """A variant's parameters, with those that say which composite of an instrument it scores."""
    used = variant.get("instrument")
    params = dict(variant.get("params", {}))
    if used:
        params |= {
            "instrument": used["key"],
            "instrument_version": used.get("version", ""),
            "composite": used.get("composite", ""),
        }
    return params


def answers_needed(used: dict[str, str]) -> dict[str, str]:
    """The answers to an instrument that the lake must hold."""
    condition = f"lower(trim(instrument)) = {literal(used['key'])}"
    if "version" in used:
        condition += f" and (version_key(version) = version_key({literal(used['version'])}) or version is null)"
    return {"table": "survey_response", "where": condition}


def with_cohort(rule: str, cohort: str) -> str:
    """The query that a rule is, with the table of its cohort before its own."""
    start = 0
    for line in rule.splitlines(keepends=True):
        if line.strip() and not line.lstrip().startswith("--"):
            break
        start += len(line)
    before, query = rule[:start], rule[start:]
    table = f"with cohort as (\n{cohort.rstrip()}\n)"
    own = re.match(r"with\s", query, re.IGNORECASE)
    return f"{before}{table},\n{query[5:]}" if own else f"{before}{table}\n{query}"


def query_in(folder: Path, cohort: str) -> tuple[str, str]:
    """The query that yields the units of a definition, and what the definition says of it."""
    rule = folder / "rule.sql"
    if not rule.is_file():
        sql = (folder / "units.sql").read_text(encoding="utf-8")
        return sql, f"\n-- units.sql\n{sql}"
    text = rule.read_text(encoding="utf-8")
    of_cohort = (folder.parents[2] / "cohorts" / f"{cohort}.sql").read_text(encoding="utf-8")
    return with_cohort(text, of_cohort), f"\n-- rule.sql\n{text}\n-- cohorts/{cohort}.sql\n{of_cohort}"


def measures_in(folder: Path) -> list[Measure]:
    """All variants of the definition in a folder."""
    toml_text = (folder / "measure.toml").read_text(encoding="utf-8")
    common = tomllib.loads(toml_text)
    cohort = common.get("cohort", common["variant"][0]["id"])
    sql, definition = query_in(folder, cohort)
    definition = toml_text + definition
    beside = {name: folder / name for name in ("codes.csv", "risk.sql", "case_mix.sql", "units_by_payer.sql")}
    texts = {name: path.read_text(encoding="utf-8") for name, path in beside.items() if path.is_file()}
    definition += "".join(f"\n-- {name}\n{text}" for name, text in texts.items())
    subgroup = common.get("subgroup", [])
    found = []
    for variant in common["variant"]:
        used = variant.get("instrument")
        both = {name: common.get(name, []) + variant.get(name, []) for name in ("needs", "needs_rows", "feeds")}
        found.append(
            Measure(
                id=variant["id"],
                folder=str(folder),
                family=common["family"],
                cohort=cohort,
                position=variant.get("position", 99),
                kind=variant.get("kind", common["kind"]),
                window_days=variant.get("window_days", 0),
                feed=common["feed"],
                periods=common.get("periods") or ["month", "quarter", "year"],
                count_immature=common.get("count_immature", False),
                store_units=common.get("store_units", "all"),
                needs=both["needs"],
                needs_any=common.get("needs_any", []),
                needs_rows=both["needs_rows"] + ([answers_needed(used)] if used else []),
                feeds=both["feeds"],
                subgroups=1 if isinstance(subgroup, str) else len(subgroup),
                apart=common.get("apart"),
                instrument=used,
                params=params_of(variant),
                sql=sql,
                by_payer=texts.get("units_by_payer.sql"),
                definition=definition,
            )
        )
    return found


def read_catalogue(repo: Path) -> list[Measure]:
    folders = sorted(path.parent for path in (repo / "measures" / "catalog").glob("*/*/measure.toml"))
    found = [measure for folder in folders for measure in measures_in(folder)]
    return sorted(found, key=lambda measure: (measure.family, measure.position, measure.id))


def passes(measures: Iterable[Measure]) -> list[list[Measure]]:
    """Measures whose units one query yields, together: variants of one definition and kind that join the table of variants."""
    together: dict[tuple[str, str], list[Measure]] = defaultdict(list)
    for measure in measures:
        shares = VARIANTS.search(measure.sql) is not None
        together[(measure.folder, measure.kind) if shares else (measure.folder, measure.id)].append(measure)
    return list(together.values())


# ----------------------------------------------------------------------------------- from DataFusion's SQL to DuckDB's


def literal(value: Any) -> str:
    """A value as it is written in SQL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"cast({value} as bigint)"
    if isinstance(value, datetime.date):
        return f"date '{value}'"
    return "'" + value.replace("'", "''") + "'"


def literals(values: Iterable[Any]) -> str:
    return ", ".join(map(literal, values))


def closing(text: str, place: int) -> int:
    """The place of the parenthesis that closes the one at `place`; quoted texts are skipped."""
    depth, quoted = 0, False
    for index in range(place, len(text)):
        quoted ^= text[index] == "'"
        depth += 0 if quoted else (text[index] == "(") - (text[index] == ")")
        if depth == 0 and not quoted:
            return index
    raise ValueError(f"a parenthesis is not closed: {text[place:place + 60]}")


def has_own_order(arguments: str) -> bool:
    """Whether the arguments of a call end with an `order by` of their own, outside of inner parentheses."""
    while (opened := arguments.find("(")) >= 0:
        arguments = arguments[:opened] + arguments[closing(arguments, opened) + 1 :]
    return re.search(r"\border\s+by\b", arguments) is not None


def rename_ordered(text: str, name: str, new_name: str) -> str:
    """Gives calls of an aggregate that say an order the name that DuckDB has for it; calls over a window keep theirs."""
    for call in reversed(list(re.finditer(rf"\b{name}\s*\(", text))):
        opened = call.end() - 1
        if has_own_order(text[opened + 1 : closing(text, opened)]):
            text = text[: call.start()] + new_name + text[opened:]
    return text


def translate(text: str, values: Values) -> str:
    """A text of the catalogue in DuckDB's SQL, its parameters written out."""
    text = re.sub(r"--[^\n]*", "", text)
    text = re.sub(r"\$(\w+)", lambda found: literal(values[found[1]]) if found[1] in values else found[0], text)
    text = rename_ordered(text, "first_value", "first")
    text = rename_ordered(text, "last_value", "last")
    text = re.sub(r"\)\s+ignore\s+nulls\b", " ignore nulls)", text)
    text = re.sub(r"\bmake_array\s*\(", "list_value(", text)
    return packed_structs(text)


def packed_structs(text: str) -> str:
    """Structs of named fields, which stand on lines of their own: `'name', value` becomes `name := value`."""
    for call in reversed(list(re.finditer(r"\bnamed_struct\s*\(", text))):
        end = closing(text, call.end() - 1)
        fields = re.sub(r"(?m)^(\s*)'(\w+)', ", r"\1\2 := ", text[call.end() : end])
        text = f"{text[: call.start()]}struct_pack({fields}{text[end:]}"
    return text


SETTINGS = [
    "set timezone = 'UTC'",
    # As in DataFusion: nulls count as the largest value, and whole numbers divide to whole numbers.
    "set default_null_order = 'nulls_last_on_asc_first_on_desc'",
    "set integer_division = true",
]

MACROS = [
    # Functions of DataFusion that DuckDB calls otherwise, or whose values have another type.
    "create macro date_trunc(part, day) as cast(system.main.date_trunc(part, day) as date)",
    "create macro regexp_like(value, pattern) as regexp_matches(value, pattern)",
    "create macro get_field(value, name) as struct_extract(value, name)",
    # Functions of carecoord that are plain expressions.
    "create macro days_between(earlier, later) as cast(later as date) - cast(earlier as date)",
    "create macro add_days(day, number) as cast(day as date) + cast(number as integer)",
    "create macro yyyymmdd(day) as date_part('year', day) * 10000 + date_part('month', day) * 100 + date_part('day', day)",
    "create macro age_at(birth, day) as (yyyymmdd(cast(day as date)) - yyyymmdd(cast(birth as date))) // 10000",
    # A text of more than 100 letters, or an address, names no group.
    "create macro as_group(name) as case when length(name) <= 100 and not contains(name, '@') then name end",
    # Whether a month whose data are missing, of all or of some organizations, leaves the rate of a level without a value.
    "create macro concerns(organizations, level, level_id) as case when len(organizations) = 0 then true "
    "when level = 'organization' then list_contains(organizations, lower(level_id)) "
    "else level not in ('practitioner', 'coordinator') end",
]


def disposition_macros(repo: Path) -> list[str]:
    """The functions over discharge dispositions."""
    codes = read_toml(repo / "measures" / "dispositions.toml")
    planned = codes["planned_return"]
    bases = " ".join(f"when {literal(code)} then {literal(base)}" for code, base in planned.items())
    kinds = " ".join(
        f"when base_disposition(code) in ({literals(values)}) then {literal(kind)}" for kind, values in codes["kind"].items()
    )
    return [
        "create macro two_digits(code) as "
        "case when regexp_matches(trim(code), '^[0-9]$') then '0' || trim(code) else trim(code) end",
        f"create macro base_disposition(code) as case two_digits(code) {bases} else two_digits(code) end",
        f"create macro disposition_kind(code) as case when code is null then null {kinds} else 'other' end",
        f"create macro planned_return(code) as coalesce(trim(code) in ({literals(planned)}), false)",
    ]


def version_key(version: str) -> str:
    """The version of an instrument without letter case, blanks, a leading "v" or "version", and zeros at its end."""
    bare = version.strip().lower()
    bare = bare.removeprefix("version") if bare.startswith("version") else bare.removeprefix("v")
    bare = bare.lstrip(". ").rstrip()
    while bare.endswith(".0") and len(bare) > 2:
        bare = bare[:-2]
    return bare


def ingredients_key(ingredients: str) -> str:
    """Active ingredients without letter case and blanks, in order of the alphabet."""
    names = {"".join(name.split()).lower() for name in re.split(r"[;+/,|]", ingredients)}
    return ";".join(sorted(names - {""}))


Days = list[datetime.date | None] | None


def spaced(starts: Days, ends: Days, gap: int | None) -> list[bool] | None:
    """Which events count, when those too close to the last one that counted do not."""
    if starts is None or ends is None or gap is None or len(starts) != len(ends) or None in starts or None in ends:
        return None
    counts: list[bool] = []
    last = None
    for start, end in zip(starts, ends):
        counts.append(last is None or (start - last).days > gap)
        if counts[-1]:
            last = end
    return counts


def covered_days(
    filled: Days,
    supply: list[int | None] | None,
    ingredients: list[str | None] | None,
    first: datetime.date | None,
    last: datetime.date | None,
    admitted: Days,
    discharged: Days,
) -> dict[str, int] | None:
    """Days from `first` to `last` without those in hospital, and how many of them medication was on hand."""
    if supply is None or ingredients is None or first is None or last is None:
        return None
    filled, stays = filled or [], list(zip(admitted or [], discharged or []))
    length = (last - first).days + 1
    if None in supply or None in filled or not len(filled) == len(supply) == len(ingredients):
        return None
    if any(None in stay for stay in stays) or not 0 < length <= 36_600:
        return None

    def within(day: int) -> int:
        return min(max(day, 0), length)

    in_stay, has_supply = [False] * length, [False] * length
    for admission, discharge in stays:
        for day in range(within((admission - first).days), within((discharge - first).days)):
            in_stay[day] = True
    free_from: dict[str, int] = {}
    for day, days, names_text in zip(filled, supply, ingredients):
        if days <= 0:
            continue
        names = [name.strip() for name in re.split("[;+]", names_text or "") if name.strip()]
        start = max([(day - first).days] + [free_from[name] for name in names if name in free_from])
        free_from |= dict.fromkeys(names, start + days)
        for covered in range(within(start), within(start + days)):
            has_supply[covered] = True
    waiting = 0
    for day in range(length):
        if in_stay[day]:
            waiting += has_supply[day]
            has_supply[day] = False
        elif not has_supply[day] and waiting > 0:
            waiting -= 1
            has_supply[day] = True
    return {"days": length - sum(in_stay), "covered": sum(has_supply)}


def register_functions(connection: Connection, repo: Path) -> None:
    """DataFusion's settings and functions, and carecoord's own functions."""
    for statement in [*SETTINGS, *MACROS, *disposition_macros(repo)]:
        connection.execute(statement)
    connection.create_function("version_key", version_key, ["VARCHAR"], "VARCHAR")
    connection.create_function("ingredients_key", ingredients_key, ["VARCHAR"], "VARCHAR")
    # These have a meaning for nulls.
    connection.create_function("spaced", spaced, ["DATE[]", "DATE[]", "BIGINT"], "BOOLEAN[]", null_handling="special")
    connection.create_function(
        "covered_days",
        covered_days,
        ["DATE[]", "BIGINT[]", "VARCHAR[]", "DATE", "DATE", "DATE[]", "DATE[]"],
        "STRUCT(days BIGINT, covered BIGINT)",
        null_handling="special",
    )


# ----------------------------------------------------------------------------------------------------- the run and its lake

RUNOUT_DAYS = {"ehr": 3, "pharmacy": 30, "claims": 90}

TYPES = {
    "text": "varchar",
    "integer": "bigint",
    "decimal": "decimal(18, 2)",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamptz",
}


@dataclass
class Run:
    """The newest results of a project, and the lake that they were computed from."""

    results: Path
    lake: Path
    manifest: dict[str, Any]
    first_month: datetime.date
    report_month: datetime.date
    extract_date: datetime.date
    computed: set[str]
    refused: set[str]
    definitions: dict[str, str]

    @property
    def months(self) -> list[datetime.date]:
        months = [self.first_month]
        while months[-1] < self.report_month:
            months.append(last_of_month(months[-1]) + datetime.timedelta(days=1))
        return months

    def data_through(self, feed: str) -> datetime.date:
        return self.extract_date - datetime.timedelta(days=RUNOUT_DAYS[feed])

    def holds(self, table: str) -> bool:
        return self.manifest["tables"].get(table, {}).get("rows", 0) > 0

    def offers(self, column: str) -> bool:
        """Whether a `table.column` was offered by the extracts, and the table holds rows."""
        table, name = column.split(".")
        return self.holds(table) and name in self.manifest["tables"][table]["columns"]


def last_of_month(day: datetime.date) -> datetime.date:
    return (day.replace(day=28) + datetime.timedelta(days=4)).replace(day=1) - datetime.timedelta(days=1)


def current_snapshot(folder: Path) -> Path:
    try:
        return folder / "snapshots" / (folder / "CURRENT").read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"{folder}: there is no snapshot ({error.strerror})") from error


def read_run(connection: Connection, project: Path) -> Run:
    results = current_snapshot(project / "results")

    def read(file: str, columns: str) -> list[tuple[Any, ...]]:
        try:
            return connection.execute(f"select {columns} from read_parquet(?)", [str(results / file)]).fetchall()
        except duckdb.Error as error:
            raise UsageError(f"{results / file}: {first_line(error)}") from error

    row = read("run.parquet", "lake_snapshot, first_month, report_month, extract_date, suppress_below")[0]
    if row[4] != 0:
        raise UsageError(f"{results}: counts are suppressed; put suppress_below = 0 into carecoord.toml and compute again")
    lake = project / "lake" / "snapshots" / row[0]
    if not (lake / "manifest.json").is_file():
        raise UsageError(f"{lake}: the snapshot of the lake that the results were computed from is gone; compute again")
    measures = read("measure.parquet", "measure_id, status, definition")
    return Run(
        results=results,
        lake=lake,
        manifest=json.loads((lake / "manifest.json").read_text(encoding="utf-8")),
        first_month=row[1],
        report_month=row[2],
        extract_date=row[3],
        computed={measure for measure, status, _ in measures if status == "computed"},
        refused={measure for measure, status, _ in measures if status == "refused"},
        definitions={measure: definition for measure, _, definition in measures},
    )


def read_contracts(repo: Path) -> dict[str, dict[str, Any]]:
    """The tables of the lake by name."""
    return {path.stem: read_toml(path) for path in sorted((repo / "lake" / "tables").glob("*.toml"))}


def other_spellings(connection: Connection, columns: Iterable[tuple[str, str]], known: set[str]) -> dict[str, str]:
    """Each spelling of an id that another one of the same letters takes the place of: one that is `known`, else the one with the
    most rows, else the first by name."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for table, column in columns:
        rows = connection.execute(f"select {column}, count(*) from lake.{table} where {column} is not null group by 1")
        for spelling, count in rows.fetchall():
            found[spelling.lower()][spelling] += count
    others = {}
    for spellings in found.values():
        best = min(spellings, key=lambda one: (one not in known, -spellings[one], one))
        others |= {spelling: best for spelling in spellings if spelling != best}
    return others


def columns_with(contracts: dict[str, dict[str, Any]], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, list[str]]:
    """The columns of each table that are wanted."""
    return {table: [c["name"] for c in contract["columns"] if wanted(c)] for table, contract in contracts.items()}


def unify_spellings(connection: Connection, contracts: dict[str, dict[str, Any]], sources: dict[str, str]) -> None:
    """Gives every organization and every payer one spelling in all tables of the lake."""
    organizations = columns_with(contracts, lambda column: column.get("references") == "organization.organization_id")
    payers = columns_with(contracts, lambda column: column["name"] == "payer_id")
    known = {row[0] for row in connection.execute("select organization_id from lake.organization").fetchall()}
    kinds = [(organizations, ("encounter", "practitioner", "referral"), known), (payers, ("coverage", "claim_line"), set())]
    others = [
        (columns, other_spellings(connection, [(table, column) for table in tables for column in columns[table]], known_ids))
        for columns, tables, known_ids in kinds
    ]
    for table, source in sources.items():
        replaced = []
        for columns, spellings in others:
            cases = " ".join(f"when {literal(one)} then {literal(other)}" for one, other in spellings.items())
            replaced += [f"case {column} {cases} else {column} end as {column}" for column in columns[table] if cases]
        if replaced:
            connection.execute(f"create or replace view lake.{table} as select * replace ({', '.join(replaced)}) from {source}")


def open_lake(connection: Connection, run: Run, contracts: dict[str, dict[str, Any]]) -> None:
    """Schema `lake`: a view of each table's files. Tables without rows are there, empty."""
    connection.execute("create schema lake")
    sources = {}
    for name, contract in contracts.items():
        if run.holds(name):
            files = literals(str(run.lake / file["path"]) for file in run.manifest["tables"][name]["files"])
            sources[name] = f"read_parquet([{files}], hive_partitioning = true)"
            connection.execute(f"create view lake.{name} as select * from {sources[name]}")
        else:
            columns = ", ".join(f'"{column["name"]}" {TYPES[column["type"]]}' for column in contract["columns"])
            connection.execute(f"create table lake.{name} ({columns}, _extract bigint, _record bigint, bucket integer)")
    unify_spellings(connection, contracts, sources)


# --------------------------------------------------------------------------------------------------------- prepared tables

INSTRUMENT_TABLES = {
    "instrument": "default_version boolean, title varchar, status varchar",
    "instrument_item": "item_id varchar, label varchar, low bigint, high bigint, reversed boolean, key_item boolean",
    "instrument_composite": "composite varchar, item_id varchar",
    "instrument_code": "item_id varchar, raw_value varchar, state varchar",
    "instrument_skip": "item_id varchar, screener_item_id varchar, raw_value varchar",
    "instrument_ineligible": "item_id varchar, raw_value varchar",
}


def read_instruments(repo: Path) -> list[dict[str, Any]]:
    return [read_toml(path) for path in sorted((repo / "measures" / "instruments").glob("*.toml"))]


def fill(connection: Connection, table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    """Makes a table of rows."""
    connection.execute(f"create or replace table {table} ({columns})")
    if rows:
        connection.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)


def codes_of_item(instrument: dict[str, Any], item: str) -> dict[str, str]:
    """Codes that are no answers to an item, each with what it says; of several entries the first that fits holds."""
    states: dict[str, str] = {}
    for entry in instrument.get("codes", []):
        if not entry.get("items") or item in entry["items"]:
            for value in entry["values"]:
                states.setdefault(value, entry["state"])
    return states


def register_instruments(connection: Connection, instruments: list[dict[str, Any]]) -> None:
    """The tables that say what survey instruments are."""
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in INSTRUMENT_TABLES}
    for one in instruments:
        own = (one["key"], one["version"])
        status = one["status"].replace("_", " ")
        rows["instrument"].append((*own, one.get("default_version", False), one["title"], status))
        for item in one.get("item", []):
            turned, key_item = item.get("reversed", False), item.get("key_item", False)
            rows["instrument_item"].append((*own, item["id"], item["label"], item["low"], item["high"], turned, key_item))
            rows["instrument_code"] += [(*own, item["id"], *state) for state in codes_of_item(one, item["id"]).items()]
            gate = item.get("skipped_if", {"values": []})
            rows["instrument_skip"] += [(*own, item["id"], gate["item"], value) for value in gate["values"]]
        for composite in one.get("composite", []):
            rows["instrument_composite"] += [(*own, composite["key"], item) for item in composite["items"]]
        for gate in one.get("ineligible", []):
            rows["instrument_ineligible"] += [(*own, gate["item"], value) for value in gate["values"]]
    for name, columns in INSTRUMENT_TABLES.items():
        fill(connection, f"prepared.{name}", f"instrument varchar, version varchar, {columns}", rows[name])


def register_codes(connection: Connection, repo: Path) -> None:
    """The code sets that come with measures and prepared views; equal rows once."""
    columns = ["set_id", "version", "code_system", "code", "target", "display", "source"]
    rows: set[tuple[str | None, ...]] = set()
    measures = repo / "measures"
    for path in [*measures.glob("prepared/codes/*.csv"), *measures.glob("catalog/*/*/codes.csv")]:
        with open(path, encoding="utf-8", newline="") as file:
            rows.update(tuple(row[name] or None for name in columns) for row in csv.DictReader(file))
    in_order = sorted(rows, key=lambda row: [text or "" for text in row])
    fill(connection, "prepared.shipped_code_set", ", ".join(f"{name} varchar" for name in columns), in_order)


def register_tree(connection: Connection) -> list[str]:
    """For each organization the nearest hospital and system that it is, or is part of. Returns the kinds that the tree knows."""
    rows = connection.execute("select organization_id, kind, part_of_organization_id from lake.organization").fetchall()
    parents = {own: parent for own, _, parent in rows if parent is not None}
    kinds = {own: kind.lower() for own, kind, _ in rows if kind is not None}

    def above(own: str | None, wanted: str) -> str | None:
        for _ in range(len(parents) + 1):
            if own is None or kinds.get(own) == wanted:
                return own
            own = parents.get(own)
        return None

    names = sorted(set(parents) | set(kinds))
    places = [(own, above(own, "hospital"), above(own, "system")) for own in names]
    fill(connection, "prepared.tree_above", "organization_id varchar, hospital varchar, system varchar", places)
    return [kind for kind in ("hospital", "system") if kind in kinds.values()]


def prepared_views(repo: Path) -> list[tuple[str, str]]:
    """Name and SQL of the prepared views in the order in which they are made."""
    folder = repo / "measures" / "prepared"
    paths = [path for place in (folder, folder / "whole") for path in sorted(place.glob("*.sql"))]
    views = [path for path in paths if not path.name.endswith(".counts.sql")]
    return [(path.stem.split("_", 1)[1], path.read_text(encoding="utf-8")) for path in views]


def common_values(run: Run, contracts: Iterable[str]) -> Values:
    """The parameters that every text has."""
    return {
        "period_start": run.first_month,
        "period_end": last_of_month(run.report_month),
        "window_days": 0,
        "data_through": run.extract_date,
    } | {f"has_{name}": run.holds(name) for name in contracts}


def prepare(connection: Connection, run: Run, repo: Path, values: Values) -> None:
    """Schema `prepared`: the tables that come with measures, and the prepared views as tables."""
    connection.execute("create schema prepared")
    register_codes(connection, repo)
    months = [(month, month.replace(day=15), last_of_month(month)) for month in run.months]
    fill(connection, "prepared.months", "month date, fifteenth date, last_day date", months)
    register_instruments(connection, read_instruments(repo))
    for name, text in prepared_views(repo):
        try:
            connection.execute(f"create table prepared.{name} as {translate(text, values)}")
        except duckdb.Error as error:
            print(f"the prepared view {name} cannot be made: {first_line(error)}", file=sys.stderr)


# ---------------------------------------------------------------------------------------------------- what the lake supports


def instrument_refusal(used: dict[str, str], instruments: list[dict[str, Any]]) -> str | None:
    """Why nothing of an instrument can be scored."""
    own = [one for one in instruments if one["key"] == used["key"]]
    versions = [one for one in own if used.get("version", one["version"]) == one["version"]]
    if not versions:
        return "the instrument is not described"
    if all(one["status"] == "unverified" for one in versions):
        return "the instrument is a skeleton"
    composites = {composite["key"] for one in versions for composite in one.get("composite", [])}
    if "composite" in used and used["composite"] not in composites:
        return "the instrument has no such composite"
    return None


def refusal(connection: Connection, measure: Measure, run: Run, instruments: list[dict[str, Any]]) -> str | None:
    """Why the lake cannot support a measure; None when it can."""
    missing = [need for need in measure.needs if not run.offers(need)]
    if missing:
        return f"the extracts do not offer {', '.join(missing)}"
    if measure.needs_any and not any(map(run.offers, measure.needs_any)):
        return f"the extracts offer none of {', '.join(measure.needs_any)}"
    reason = instrument_refusal(measure.instrument, instruments) if measure.instrument else None
    if reason:
        return reason
    for needed in measure.needs_rows:
        query = f"select 1 from lake.{needed['table']} where {translate(needed['where'], {})} limit 1"
        if not connection.execute(query).fetchall():
            return f"the extracts hold no rows of {needed['table']} where {needed['where']}"
    return None


# -------------------------------------------------------------------------------------------------- months without their data

# Rows of a usual month from which chance does not explain a month without any.
USUAL = 14
# Months before and after that say what is usual.
NEIGHBOURS = 12


def usual_at(rows: list[int], place: int) -> int:
    """Rows of a usual month beside one: the larger of the medians of the months before and after it."""

    def median(beside: list[int]) -> int:
        return sorted(beside)[(len(beside) - 1) // 2] if len(beside) >= 3 else 0

    return max(median(rows[max(0, place - NEIGHBOURS) : place]), median(rows[place + 1 : place + 1 + NEIGHBOURS]))


def improbable(rows: int, usual: int) -> bool:
    """Whether a Poisson distribution with the usual mean gives so few rows less than once in a million times."""
    term = tail = math.exp(-usual)
    for count in range(1, rows + 1):
        term *= usual / count
        tail += term
    return tail < 1e-6


def in_between(rows: list[int]) -> set[int]:
    """Months with next to no rows, where the months beside them have many."""
    usual = [usual_at(rows, place) for place in range(len(rows))]
    busy = [place for place in range(len(rows)) if usual[place] >= USUAL]
    return {place for place in busy if rows[place] <= 0.1 * usual[place] and improbable(rows[place], usual[place])}


def regular(rows: list[int]) -> tuple[int, int] | None:
    """The first and the last month with rows, where three quarters of the months between them have some."""
    places = [place for place, count in enumerate(rows) if count > 0]
    if not places or len(places) < 0.75 * (places[-1] + 1 - places[0]):
        return None
    return places[0], places[-1]


def gaps_of_all(rows: list[int], from_the_first: bool) -> set[int]:
    """Months without a feed as a whole: those in between, those after its last rows, and if asked those before its first."""
    ends = regular(rows)
    if ends is None:
        return set()
    first, last = ends
    found = {place for place in in_between(rows) if first <= place <= last}
    if from_the_first and usual_at(rows, max(first - 1, 0)) >= USUAL:
        found |= set(range(first))
    if usual_at(rows, last + 1) >= USUAL:
        found |= set(range(last + 1, len(rows)))
    return found


def gaps_of_part(rows: list[int], of_all: list[int]) -> set[int]:
    """Months without a part of a feed that brings much of it, where the other parts do not bring more instead."""
    ends = regular(rows)
    if ends is None:
        return set()
    first, last = ends
    end = len(rows) if len(rows) - 1 - last <= 2 else last + 1
    found = set()
    for place in in_between(rows):
        usual, usual_of_all = usual_at(rows, place), usual_at(of_all, place)
        much = usual >= 0.2 * usual_of_all
        made_up = of_all[place] > usual_of_all - 0.5 * usual
        if first <= place < end and much and not made_up:
            found.add(place)
    return found


Parts = dict[tuple[str, str] | None, list[int]]


def rows_by_month(connection: Connection, run: Run, contract: dict[str, Any], feed: dict[str, str]) -> Parts:
    """The rows of a feed by month: all of them (None), and those of each organization, type of claim and mode of survey."""
    table, months = feed["table"], run.months
    names = [column["name"] for column in contract["columns"]]
    parts = [part for part in ("organization_id", "claim_type", "mode") if part in names and run.offers(f"{table}.{part}")]
    columns = "".join(f", lower({part})" for part in parts)
    query = (
        f"select date_trunc('month', {contract['time']}), count(*){columns} from lake.{table} "
        f"where {contract['time']} between {literal(run.first_month)} and {literal(last_of_month(run.report_month))} "
        f"and ({translate(feed['where'], {})}) group by all"
    )
    found: Parts = defaultdict(lambda: [0] * len(months))
    for month, count, *values in connection.execute(query).fetchall():
        for part in [None, *((name, value) for name, value in zip(parts, values) if value is not None)]:
            found[part][months.index(month)] += count
    return found


# Months whose data are missing, each with the organizations that it concerns; none where it concerns all.
Gaps = dict[datetime.date, set[str]]


def add_gap(gaps: Gaps, month: datetime.date, organizations: set[str]) -> None:
    """A gap of all covers those of some organizations."""
    if month not in gaps:
        gaps[month] = set(organizations)
    elif gaps[month]:
        gaps[month] = gaps[month] | organizations if organizations else set()


def gaps_of_feed(counts: Parts, months: list[datetime.date], from_the_first: bool) -> Gaps:
    """The months in which the rows of a feed did not come."""
    gaps: Gaps = {}
    for place in gaps_of_all(counts[None], from_the_first) if counts else ():
        add_gap(gaps, months[place], set())
    for part, rows in counts.items():
        for place in gaps_of_part(rows, counts[None]) if part else ():
            add_gap(gaps, months[place], {part[1]} if part[0] == "organization_id" else set())
    return gaps


def gaps_of_measure(connection: Connection, run: Run, contracts: dict[str, dict[str, Any]], measure: Measure) -> Gaps:
    """The months whose values rest on rows that did not come: those whose horizon touches such a month."""
    gaps: Gaps = {}
    window = datetime.timedelta(days=measure.window_days)
    for feed in measure.feeds:
        contract = contracts[feed["table"]]
        if "time" not in contract or not run.offers(f"{feed['table']}.{contract['time']}"):
            continue
        counts = rows_by_month(connection, run, contract, feed)
        for month, organizations in gaps_of_feed(counts, run.months, measure.window_days == 0).items():
            for other in run.months:
                if other <= month <= last_of_month(other) + window:
                    add_gap(gaps, other, organizations)
    return gaps


# ---------------------------------------------------------------------------------------------------------------- units

OF_PERSON = ["sex", "race", "ethnicity", "language", "deprivation"]
SUBGROUPS = ["subgroup", "subgroup_2", "subgroup_3"]


def unpacked_sql(columns: set[str], of_unit: list[str]) -> str:
    """The rows of a rule as those of a measure with SQL of its own: the cohort's reason comes before the rule's, units without a reason
    are in the denominator, and the others have no outcome."""
    reasons = "unit.exclusion_reason"
    if "exclusion_reason" in columns:
        reasons = f"coalesce({reasons}, exclusion_reason)"
    changed = {"unit", "exclusion_reason", "in_numerator", "numerator"} & columns
    taken = [f"unit.{name} as {name}" for name in of_unit if name != "exclusion_reason" and name not in columns]
    outcomes = [f"case when {reasons} is null then {name} end as {name}" for name in ("in_numerator", "numerator") if name in columns]
    counts = [] if "in_denominator" in columns else [f"{reasons} is null as in_denominator"]
    added = ", ".join([f"{reasons} as exclusion_reason", *counts, *taken, *outcomes])
    return f"select * exclude ({', '.join(sorted(changed))}), {added} from source_rows"


def wait_sql(columns: set[str], data_through: datetime.date) -> str:
    """The rows of a measure of time with how the wait of each ended and after how many days, as one text: `event|12`."""

    def days(what: str) -> str:
        if f"{what}_days" in columns:
            return f"cast(r.{what}_days as bigint)"
        return f"days_between(r.index_date, r.{what}_date)" if f"{what}_date" in columns else "cast(null as bigint)"

    loaded = "null" if "censored_days" in columns else f"days_between(r.index_date, {literal(data_through)})"
    horizon = "case when v.window_days > 0 then v.window_days end"
    return f"""
        select
            waits.*,
            case
                when not in_denominator then null
                when wait_event <= wait_last and (wait_other is null or wait_event <= wait_other)
                    then concat('event|', wait_event)
                when wait_other <= wait_last then concat('competing|', wait_other)
                else concat('censored|', wait_last)
            end as wait_ended
        from (
            select
                r.*,
                {days('event')} as wait_event,
                {days('competing')} as wait_other,
                greatest(coalesce(least({days('censored')}, {loaded}, {horizon}), 0), 0) as wait_last
            from source_rows r
            left join variant v on v.variant = r.of_measure
        ) waits"""


def completed_sql(kind: str, columns: set[str], data_through: datetime.date, has_attribution: bool) -> str:
    """The units that rows of a measure's SQL are: with period, maturity, who answers for them, payer, and what they are split by.
    The rows are in `source_rows`, with the id of their measure in `of_measure`."""

    def own(name: str, otherwise: str = "null", of_type: str = "varchar") -> str:
        return f"cast({f'u.{name}' if name in columns else otherwise} as {of_type})"

    rows, in_numerator, component = "select * from source_rows", "u.in_numerator", own("component")
    if kind == "time":
        rows, component = wait_sql(columns, data_through), "u.wait_ended"
        in_numerator = "starts_with(u.wait_ended, 'event|')"
    numerator, denominator = "u.numerator", "u.denominator"
    if "numerator" not in columns:
        numerator = f"case when {in_numerator} then 1 when not {in_numerator} then 0 end"
    if "denominator" not in columns:
        denominator = "case when u.in_denominator then 1 end"
    mature_on = own("mature_on", "cast(u.index_date as date) + cast(v.window_days as integer)", "date")
    primary, coordinator = "p.primary_practitioner_id", "p.coordinator_id"
    if has_attribution:
        primary, coordinator = "ap.practitioner_id", "ac.practitioner_id"
    # Units that bring everything themselves say who answers for them, or that nobody does.
    complete = {"organization_id", "coordinator_id"} <= columns
    practitioner = own("practitioner_id") if complete else f"coalesce({own('practitioner_id')}, {primary})"
    birth = own("birth_date", "p.birth_date", "date")
    of_person = ", ".join(f"{own(name, f'p.{name}')} as {name}" for name in OF_PERSON)
    subgroups = ", ".join(f"as_group({own(name)}) as {name}" for name in SUBGROUPS)
    return f"""
        with answered as (
            select
                u.of_measure as measure_id,
                {own('unit_id')} as unit_id,
                {own('patient_id')} as patient_id,
                {own('index_date', of_type='date')} as index_date,
                {own('in_denominator', of_type='boolean')} as in_denominator,
                {own('exclusion_reason')} as exclusion_reason,
                cast({in_numerator} as boolean) as in_numerator,
                {own('exception_reason')} as exception_reason,
                cast({numerator} as double) as numerator,
                cast({numerator} as decimal(19, 6)) as exact_numerator,
                cast({denominator} as double) as denominator,
                cast({denominator} as decimal(19, 6)) as exact_denominator,
                {component} as component,
                {mature_on} as mature_on,
                {own('evidence')} as evidence,
                {own('organization_id')} as own_organization,
                {practitioner} as practitioner_id,
                {own('coordinator_id', coordinator)} as coordinator_id,
                as_group({own('payer_id', 'mm.payer_id')}) as payer_id,
                {birth} as birth_date,
                {of_person},
                {subgroups}
            from ({rows}) u
            left join variant v on v.variant = u.of_measure
            left join prepared.person p on p.patient_id = u.patient_id
            left join prepared.attribution ap
                on ap.patient_id = u.patient_id
                and ap.role = 'primary'
                and u.index_date between ap.valid_from and ap.valid_until
            left join prepared.attribution ac
                on ac.patient_id = u.patient_id
                and ac.role = 'coordinator'
                and u.index_date between ac.valid_from and ac.valid_until
            left join prepared.member_months mm
                on mm.patient_id = u.patient_id and mm.month = date_trunc('month', u.index_date)
        )
        select
            a.*,
            date_trunc('month', a.index_date) as period,
            coalesce(a.mature_on <= {literal(data_through)}, false) as mature,
            {'a.own_organization' if 'organization_id' in columns else 'site.organization_id'} as organization_id,
            case
                when a.birth_date is null then null
                when age_at(a.birth_date, a.index_date) < 18 then '0-17'
                when age_at(a.birth_date, a.index_date) < 45 then '18-44'
                when age_at(a.birth_date, a.index_date) < 65 then '45-64'
                when age_at(a.birth_date, a.index_date) < 75 then '65-74'
                when age_at(a.birth_date, a.index_date) < 85 then '75-84'
                else '85+'
            end as age_band
        from answered a
        left join lake.practitioner site on site.practitioner_id = a.practitioner_id"""


# ----------------------------------------------------------------------------------------------------------------- sums

# What is added up, and as what. Numerators and denominators are whole millionths, so that their sums do not depend on an order.
SUM_TYPES = {"numerator": "decimal(38, 6)", "denominator": "decimal(38, 6)"} | dict.fromkeys(
    ["n", "excluded", "exceptions", "immature", "events", "competing", "censored"], "bigint"
)
SUMS = ", ".join(f"sum({name}) as {name}" for name in SUM_TYPES)


def addition_sql(measure: Measure, run: Run) -> str:
    """What each unit of the measured months adds to the sums of the groups that it is in."""
    followed = "true" if measure.count_immature or measure.kind == "time" else "mature"
    ends = ", ".join(
        f"cast(counts and coalesce(starts_with(component, '{end}|'), false) as integer) as {name}"
        for end, name in (("event", "events"), ("competing", "competing"), ("censored", "censored"))
    )
    return f"""
        select
            *,
            cast(counts as integer) as n,
            case when counts then coalesce(exact_numerator, 0) else 0 end as numerator,
            case when counts then coalesce(exact_denominator, 0) else 0 end as denominator,
            cast(coalesce(not in_denominator and coalesce(exclusion_reason, '') <> 'outside_period', false) as integer)
                as excluded,
            cast(coalesce(in_denominator and {followed} and exception_reason is not null and not in_numerator, false) as integer)
                as exceptions,
            cast(coalesce(in_denominator and not mature, false) as integer) as immature,
            {ends}
        from (
            select
                * exclude (numerator, denominator),
                coalesce(in_denominator and {followed} and (exception_reason is null or in_numerator), false) as counts
            from unit
            where period between {literal(run.first_month)} and {literal(run.report_month)}
        )"""


def group_sql(level: str = "", stratum: str = "", name: str = "", joined: str = "") -> str:
    """The sums of months by one level or one stratum; by neither those of everyone. `name` yields the name of a unit's group."""
    named = f"coalesce({name}, 'unknown')"
    return f"""
        select
            a.measure_id,
            '{level or 'all'}' as level,
            {named if level else "'all'"} as level_id,
            '{stratum or 'all'}' as stratum_kind,
            {named if stratum else "'all'"} as stratum,
            a.period,
            {SUMS}
        from addition a {joined}
        group by all"""


def strata_of(measure: Measure) -> list[str]:
    return ["age_band", *OF_PERSON, *SUBGROUPS[: measure.subgroups]]


def groups_of_units(measure: Measure, kinds_above: list[str]) -> list[str]:
    """The groups that the units of a measure's `units.sql` count in, apart from payers."""
    apart = SUBGROUPS[measure.apart["subgroup"] - 1] if measure.apart else None
    levels = [group_sql(level=level, name=f"a.{level}_id") for level in ("organization", "practitioner", "coordinator")]
    tree = "left join prepared.tree_above t on t.organization_id = a.organization_id"
    levels += [group_sql(level=kind, name=f"t.{kind}", joined=tree) for kind in kinds_above]
    members = (
        "join prepared.program_members m on m.patient_id = a.patient_id and a.index_date between m.valid_from and m.valid_until"
    )
    levels.append(group_sql(level="program", name="m.program_id", joined=members))
    strata = [group_sql(stratum=stratum, name=f"a.{stratum}") for stratum in strata_of(measure) if stratum != apart]
    return [group_sql(), *levels, *strata]


def payers_of_person() -> str:
    """Each payer that covers the person in the unit's month."""
    months = "left join prepared.payer_months m on m.patient_id = a.patient_id and m.month = a.period"
    return group_sql(level="payer", name="m.payer_id", joined=months)


def rates_sql(measure: Measure, run: Run) -> str:
    """Months, quarters and years of all groups from the sums of months in `cell`. A month whose data are missing counts in no
    quarter or year, and a quarter or year that begins before the measured months is left out. `data_missing` says of a month that
    its data are missing, and of a quarter or year that nothing is left without such months."""
    counted = "filter (where period_kind = 'month' or not missing)"
    added = ", ".join(f"coalesce(sum({name}) {counted}, 0) as {name}" for name in SUM_TYPES)
    groups = "measure_id, period_kind, level, level_id, stratum_kind, stratum"
    return f"""
        with every as (
            select * from cell
            union all by name
            select
                variant as measure_id, 'all' as level, 'all' as level_id, 'all' as stratum_kind, 'all' as stratum, month as period
            from variant cross join prepared.months
        ),
        placed as (
            select
                c.*,
                k.period_kind,
                date_trunc(k.period_kind, c.period) as begins,
                g.month is not null and concerns(g.organizations, c.level, c.level_id) as missing
            from every c
            left join gap g on g.measure_id = c.measure_id and g.month = c.period
            cross join (select unnest({measure.periods!r}) as period_kind) k
        ),
        added as (
            select {groups}, begins as period, {added}
            from placed
            where begins >= {literal(run.first_month)}
            group by all
        )
        select
            a.*,
            (a.period_kind = 'month' or a.denominator <= 0) and exists (
                select 1 from gap g
                where g.measure_id = a.measure_id
                  and date_trunc(a.period_kind, g.month) = a.period
                  and concerns(g.organizations, a.level, a.level_id)
            ) as data_missing
        from added a"""


# ------------------------------------------------------------------------------------------------------- computing a pass


@dataclass
class Bench:
    """What is needed to compute measures."""

    connection: Connection
    run: Run
    contracts: dict[str, dict[str, Any]]
    values: Values
    kinds_above: list[str]

    def register_variants(self, measures: list[Measure]) -> None:
        """The table `variant`: a row for each measure of a pass, with its id, its window and its parameters."""
        names = sorted({name for measure in measures for name in measure.params})
        texts = {name for measure in measures for name, value in measure.params.items() if isinstance(value, str)}
        columns = "".join(f', "{name}" {"varchar" if name in texts else "bigint"}' for name in names)
        rows = [(one.id, one.window_days, *(one.params.get(name) for name in names)) for one in measures]
        fill(self.connection, "variant", f"variant varchar, window_days bigint{columns}", rows)

    def register_gaps(self, measures: list[Measure]) -> None:
        """The table `gap`: the months of each measure whose data are missing."""
        rows = [
            (measure.id, month, sorted(organizations))
            for measure in measures
            for month, organizations in gaps_of_measure(self.connection, self.run, self.contracts, measure).items()
        ]
        fill(self.connection, "gap", "measure_id varchar, month date, organizations varchar[]", rows)

    def complete(self, measure: Measure, text: str) -> None:
        """Runs the SQL of a pass, whose first measure is given, and completes its rows: tables `unit` and `addition`."""
        through = self.run.data_through(measure.feed)
        shared = VARIANTS.search(measure.sql) is not None
        own = {} if shared else {"window_days": measure.window_days, **measure.params}
        query = translate(text, self.values | {"data_through": through} | own)
        of_measure = "r.variant" if shared else literal(measure.id)
        run = self.connection.execute
        run(f"create or replace table source_rows as select r.*, {of_measure} as of_measure from ({query}) r")
        fields = {row[0]: row[1] for row in run("describe source_rows").fetchall()}
        if "unit" in fields:
            of_unit = [row[0] for row in run("describe select unnest(unit) from source_rows").fetchall()]
            run(f"create or replace table source_rows as {unpacked_sql(set(fields), of_unit)}")
        columns = {row[0] for row in run("describe source_rows").fetchall()}
        run(f"create or replace table unit as {completed_sql(measure.kind, columns, through, self.run.holds('attribution'))}")
        run(f"create or replace table addition as {addition_sql(measure, self.run)}")

    def count(self, groups: list[str]) -> None:
        """Adds the sums of these groups to the table `cell`."""
        for group in groups:
            self.connection.execute(f"insert into cell by name {group}")

    def compute(self, measures: list[Measure]) -> None:
        """The units of the measures of a pass in the table `unit`, and their rates in the table `rate`."""
        first = measures[0]
        self.register_variants(measures)
        self.register_gaps(measures)
        columns = ", ".join(f"{name} {of_type}" for name, of_type in SUM_TYPES.items())
        groups = "measure_id varchar, level varchar, level_id varchar, stratum_kind varchar, stratum varchar, period date"
        self.connection.execute(f"create or replace table cell ({groups}, {columns})")
        if first.by_payer:
            self.complete(first, first.by_payer)
            self.count([group_sql(level="payer", name="a.payer_id")])
        if first.apart:
            read, instead = (f"prepared.{first.apart[view]}" for view in ("read", "instead"))
            self.complete(first, first.sql.replace(read, instead))
            subgroup = SUBGROUPS[first.apart["subgroup"] - 1]
            self.count([group_sql(stratum=subgroup, name=f"a.{subgroup}")])
        self.complete(first, first.sql)
        self.count(groups_of_units(first, self.kinds_above))
        if not first.by_payer:
            self.count([payers_of_person()])
        self.connection.execute(f"create or replace table rate as {rates_sql(first, self.run)}")


# ------------------------------------------------------------------------------------------------------------ comparing


@dataclass
class Outcome:
    """What came of comparing one measure."""

    measure: str
    rates: int = 0
    units: int = 0
    finds_any: bool = True
    problems: list[str] = field(default_factory=list)


KEY = ["period_kind", "period", "level", "level_id", "stratum_kind", "stratum"]


def same_sum(name: str) -> str:
    """Whether a sum agrees. Sums are whole millionths; above some thousand millions a floating-point number has fewer digits."""
    near = f"abs(t.{name} - o.{name}) <= greatest(5e-7, 1e-15 * abs(t.{name}))"
    return f"coalesce({near}, t.{name} is null and o.{name} is null)"


@dataclass(frozen=True)
class Compared:
    """A table of results: what is compared of it, the same columns from the table `rate`, and which rows of `rate` it holds."""

    what: str
    file: str
    theirs: str
    ours: str
    rows: str
    exact: list[str]
    sums: list[str]


RATES = Compared(
    what="rates",
    file="rate.parquet",
    theirs="numerator, denominator, n_units, excluded, exceptions, immature, "
    "coalesce(state_reason = 'data_missing', false) as data_missing",
    # Nothing is shown of a month whose data are missing.
    ours="if(data_missing, null, numerator) as numerator, if(data_missing, null, denominator) as denominator, "
    "if(data_missing, null, n) as n_units, if(data_missing, null, excluded) as excluded, "
    "if(data_missing, null, exceptions) as exceptions, if(data_missing, null, immature) as immature, data_missing",
    rows="true",
    exact=["n_units", "excluded", "exceptions", "immature", "data_missing"],
    sums=["numerator", "denominator"],
)
WAITS = Compared(
    what="waits",
    file="wait.parquet",
    theirs="n_units, events, competing, censored",
    # The two ends without the event are told apart for everyone's years alone.
    ours="n as n_units, events, if(everyones_year, competing, null) as competing, if(everyones_year, censored, null) as censored",
    rows="denominator > 0 and not data_missing",
    exact=["n_units", "events", "competing", "censored"],
    sums=[],
)


def compare_rows(connection: Connection, run: Run, measure: Measure, compared: Compared) -> tuple[int, list[str]]:
    """Compares the rows of a measure by their keys. Returns how many the results hold, and what differs."""
    keys = ", ".join(KEY)
    file = literal(str(run.results / compared.file))
    columns = compared.sums + compared.exact
    equal = [f"t.{name} is not distinct from o.{name}" for name in compared.exact]
    same = " and ".join([same_sum(name) for name in compared.sums] + equal)
    connection.execute(f"""
        create or replace table beside as
        with t as (
            select {keys}, {compared.theirs}, true as here from read_parquet({file}) where measure_id = {literal(measure.id)}
        ),
        o as (
            select {keys}, {compared.ours}, true as here
            from (
                select *, period_kind = 'year' and level = 'all' and stratum_kind = 'all' as everyones_year
                from rate
                where measure_id = {literal(measure.id)}
            )
            where {compared.rows}
        )
        select
            {', '.join(f'coalesce(t.{name}, o.{name}) as {name}' for name in KEY)},
            {', '.join(f't.{name} as their_{name}, o.{name} as our_{name}' for name in columns)},
            t.here is not null as in_results, o.here is not null as in_duckdb,
            coalesce(t.here and o.here and {same}, false) as agrees
        from t full join o on {' and '.join(f't.{name} = o.{name}' for name in KEY)}""")
    counted = "select count(*) filter (where in_results), count(*) filter (where not agrees) from beside"
    rows, differing = connection.execute(counted).fetchall()[0]
    return rows, differing_rows(connection, compared, differing) if differing else []


def differing_rows(connection: Connection, compared: Compared, differing: int) -> list[str]:
    """How many rows of the table `beside` differ, and the first of them; those of everyone come first."""
    kinds = "select count(*) filter (where not in_duckdb), count(*) filter (where not in_results) from beside where not agrees"
    theirs, ours = connection.execute(kinds).fetchall()[0]
    problems = [f"{compared.what}: {differing} rows differ ({theirs} only in carecoord's results, {ours} only in DuckDB's)"]
    examples = connection.execute(
        "select * from beside where not agrees "
        f"order by level <> 'all', stratum_kind <> 'all', {', '.join(KEY)} limit {EXAMPLES}"
    )
    names = [column[0] for column in examples.description]
    for row in examples.fetchall():
        found = dict(zip(names, row))
        place = " ".join(str(found[name]) for name in KEY)
        values = [f"{name} {found[f'their_{name}']} / {found[f'our_{name}']}" for name in compared.sums + compared.exact]
        problems.append(f"  {place}: carecoord / DuckDB: {', '.join(values)}")
    return problems


def stored_units(run: Run, measure: Measure) -> str:
    """The query that yields the stored units of a measure: what it says of them, and the units of its cohort."""

    def files(table: str, name: str) -> str:
        return f"read_parquet([{literals(map(str, sorted((run.results / table).glob(f'{name}-*.parquet'))))}])"

    said = files("measure_unit", measure.id)
    units = files("cohort_unit", measure.cohort)
    return f"select * exclude (unit_row, cohort) from {said} join {units} using (unit_row)"


def unit_columns(connection: Connection, query: str) -> list[str]:
    return [row[0] for row in connection.execute(f"describe {query}").fetchall()]


def rounded(column: str) -> str:
    """A column as it is compared: numbers to nine digits after the point, since the last bits of a division may differ."""
    return f"round({column}, 9) as {column}" if column in ("numerator", "denominator") else column


def compare_units(connection: Connection, run: Run, measure: Measure) -> tuple[int, list[str]]:
    """Compares the stored units of a measure as multisets. Returns how many there are, and what differs."""
    query = stored_units(run, measure)
    columns = unit_columns(connection, query)
    selected = ", ".join(map(rounded, columns))
    stored = "and in_numerator" if measure.store_units == "with_events" else ""
    connection.execute(f"create or replace temp table their_unit as select {selected} from ({query})")
    connection.execute(
        f"create or replace temp view our_unit as select {selected} from unit where measure_id = {literal(measure.id)} {stored}"
    )
    rows = connection.execute("select count(*) from their_unit").fetchall()[0][0]
    for name, one, other in (("only_theirs", "their_unit", "our_unit"), ("only_ours", "our_unit", "their_unit")):
        connection.execute(f"create or replace table {name} as select * from {one} except all select * from {other}")
    sides = "select (select count(*) from only_theirs), (select count(*) from only_ours)"
    theirs, ours = connection.execute(sides).fetchall()[0]
    if not theirs and not ours:
        return rows, []
    problems = [f"units: {theirs} rows only in carecoord's results, {ours} only in DuckDB's"]
    return rows, problems + differing_units(connection, columns)


def differing_units(connection: Connection, columns: list[str]) -> list[str]:
    """In which columns units differ that both sides have, and a few of the units."""
    both = "only_theirs t join only_ours o on t.unit_id = o.unit_id and t.patient_id is not distinct from o.patient_id"
    counted = ", ".join(f"count(*) filter (where t.{name} is distinct from o.{name})" for name in columns)
    counts = connection.execute(f"select {counted} from {both}").fetchall()[0]
    found = ", ".join(f"{name} {count}" for name, count in zip(columns, counts) if count)
    problems = [f"  the same units, by column that differs: {found}"] if found else []
    for side, table in (("carecoord", "only_theirs"), ("DuckDB", "only_ours")):
        units = connection.execute(f"select distinct unit_id from {table} order by 1 limit {EXAMPLES}").fetchall()
        problems += [f"  first units of {side}: {', '.join(str(unit) for (unit,) in units)}"] if units else []
    return problems


def compare(bench: Bench, measure: Measure) -> Outcome:
    """Compares what both sides have of a measure whose pass has been computed."""
    outcome = Outcome(measure.id)
    outcome.rates, problems = compare_rows(bench.connection, bench.run, measure, RATES)
    outcome.problems += problems
    finding = "select coalesce(bool_or(their_numerator <> 0 or our_numerator <> 0), false) from beside"
    outcome.finds_any = bench.connection.execute(finding).fetchall()[0][0]
    outcome.units, problems = compare_units(bench.connection, bench.run, measure)
    outcome.problems += problems
    if measure.kind == "time":
        outcome.problems += compare_rows(bench.connection, bench.run, measure, WAITS)[1]
    if not outcome.rates:
        outcome.problems.append("the results hold no rates of it")
    return outcome


def compute_and_compare(bench: Bench, measures: list[Measure]) -> list[Outcome]:
    """Computes a pass and compares each of its measures; a measure that DuckDB cannot compute has not been compared."""
    try:
        bench.compute(measures)
    except (duckdb.Error, ValueError) as error:
        return [Outcome(measure.id, problems=[f"not compared: {first_line(error)}"]) for measure in measures]
    found = []
    for measure in measures:
        try:
            found.append(compare(bench, measure))
        except duckdb.Error as error:
            found.append(Outcome(measure.id, problems=[f"not compared: {first_line(error)}"]))
    return found


def judge_refusals(bench: Bench, measures: list[Measure], repo: Path) -> dict[str, str]:
    """Measures that carecoord refused though the lake supports them, or computed though it does not."""
    instruments = read_instruments(repo)
    found = {}
    for measure in measures:
        try:
            reason = refusal(bench.connection, measure, bench.run, instruments)
        except duckdb.Error as error:
            found[measure.id] = f"whether the lake supports it cannot be told: {first_line(error)}"
            continue
        if measure.id in bench.run.refused and reason is None:
            found[measure.id] = "carecoord refused it, though the lake holds what it needs"
        if measure.id in bench.run.computed and reason is not None:
            found[measure.id] = f"carecoord computed it, though {reason}"
    return found


# ------------------------------------------------------------------------------------------------------------ command line


def wanted_by(prefixes: list[str]) -> Callable[[str], bool]:
    return lambda measure: not prefixes or any(measure.startswith(prefix) for prefix in prefixes)


def note_other_definitions(run: Run, measures: list[Measure]) -> None:
    """Says which measures the results were computed from another definition of."""
    other = [one.id for one in measures if run.definitions.get(one.id, one.definition) != one.definition]
    if other:
        named = ", ".join(other[:5]) + (" and others" if len(other) > 5 else "")
        print(f"note: the results were computed from other definitions of {len(other)} measures than REPO holds: {named}")


def run_all(project: Path, repo: Path, prefixes: list[str], scratch: str) -> int:
    """Compares all wanted measures, prints what differs, and returns the exit code."""
    connection = duckdb.connect()
    connection.execute(f"set temp_directory = {literal(scratch)}")
    run = read_run(connection, project)
    contracts = read_contracts(repo)
    is_wanted = wanted_by(prefixes)
    wanted = {measure for measure in run.computed if is_wanted(measure)}
    if not wanted:
        raise UsageError("the results hold no computed measure whose id begins like that")
    register_functions(connection, repo)
    open_lake(connection, run, contracts)
    values = common_values(run, contracts)
    prepare(connection, run, repo, values)
    bench = Bench(connection, run, contracts, values, register_tree(connection))
    catalogue = [measure for measure in read_catalogue(repo) if is_wanted(measure.id)]
    note_other_definitions(run, catalogue)
    outcomes = [Outcome(measure, problems=[reason]) for measure, reason in judge_refusals(bench, catalogue, repo).items()]
    compared = [measure for measure in catalogue if measure.id in run.computed]
    for measures in passes(compared):
        outcomes += compute_and_compare(bench, measures)
    missing = wanted - {measure.id for measure in compared}
    reason = "not compared: REPO's catalogue does not hold it"
    outcomes += [Outcome(measure, problems=[reason]) for measure in sorted(missing)]
    return report(outcomes, wanted)


def report(outcomes: list[Outcome], wanted: set[str]) -> int:
    """Prints what differs and how many measures agree; returns the exit code."""
    differing = {outcome.measure for outcome in outcomes if outcome.problems}
    for outcome in outcomes:
        for place, problem in enumerate(outcome.problems):
            print(f"{outcome.measure}: {problem}" if place == 0 else f"    {problem}")
    empty = [outcome.measure for outcome in outcomes if not outcome.finds_any]
    if empty:
        print(f"note: {len(empty)} measures have nothing in any numerator, so that their agreement says little: {', '.join(empty)}")
    agreeing = {outcome.measure for outcome in outcomes} - differing
    total = wanted | differing
    rates, units = sum(outcome.rates for outcome in outcomes), sum(outcome.units for outcome in outcomes)
    print(f"{len(agreeing)} of {len(total)} measures agree: {rates:,} rates, {units:,} units")
    return 0 if agreeing == total else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("project", type=Path, metavar="PROJECT", help="project with results, computed with suppress_below = 0")
    parser.add_argument("repo", type=Path, metavar="REPO", help="checkout of carecoord, or its folders `measures` and `lake`")
    only_help = "only measures whose id begins like one of these; may be repeated"
    parser.add_argument("--only", nargs="+", action="extend", default=[], metavar="PREFIX", help=only_help)
    options = parser.parse_args()
    try:
        for folder in (options.repo / "measures" / "catalog", options.repo / "lake" / "tables"):
            if not folder.is_dir():
                raise UsageError(f"{folder}: there is no such folder")
        with tempfile.TemporaryDirectory() as scratch:
            return run_all(options.project, options.repo, options.only, scratch)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
