"""A report as a page of HTML that is whole by itself, and as Markdown with its charts beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jinja2

from liontrack_stream.exports.texts import one_line
from liontrack_stream.report.charts import Chart
from liontrack_stream.report.figures import Figures
from liontrack_stream.report.outcome import Outcome

ALERT_BELOW = 80.0  # percent
_TEXT_MAX = 300
_MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_[]|~#!"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    text: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A title with a chart's name, lines, and a table or what to say where it has no row."""

    title: str
    chart: str = ""
    lines: Sequence[Cell] = ()
    headings: Sequence[Heading] = ()
    rows: Sequence[Sequence[Cell]] = ()
    empty: str = ""


def html(figures: Figures, charts: Mapping[str, Chart], outcome: Outcome | None, *, simulated: bool) -> bytes:
    """One file that asks for no other, and runs nothing."""
    page = _templates(autoescape=True).get_template("report.html.j2")
    return page.render(_named(figures, charts, outcome, simulated)).encode()


def markdown(figures: Figures, charts: Mapping[str, Chart], outcome: Outcome | None, *, simulated: bool) -> bytes:
    """It shows the charts by their files' names."""
    page = _templates(finalize=lambda value: value.translate(_MARKDOWN) if type(value) is str else value)
    return page.get_template("report.md.j2").render(_named(figures, charts, outcome, simulated)).encode()


def _templates(**options: Any) -> jinja2.Environment:
    environment = jinja2.Environment(  # noqa: S701 (on for HTML, and Markdown has an escape of its own)
        loader=jinja2.PackageLoader("liontrack_stream.report"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        **options,
    )
    environment.filters |= {"count": _count, "moment": _moment}
    return environment


def _named(figures: Figures, charts: Mapping[str, Chart], outcome: Outcome | None, simulated: bool) -> dict[str, Any]:
    sections = [
        _records(figures), _dead_letters(figures), _quality(figures), _health(figures), _engagement(figures),
        _runs(figures), _lake(figures), _generations(figures, outcome),
    ]  # fmt: skip
    return {"figures": figures, "charts": charts, "sections": sections, "simulated": simulated}


def _records(figures: Figures) -> Section:
    rows = [
        [Cell(topic), *(Cell(_count(count)) for count in counts), Cell(_count(sum(counts)))]
        for topic, counts in figures.records.items()
    ]
    days = [f"{day:%m-%d}" for day in figures.days]
    return Section("Records", "records", headings=_headings("topic", numbers=[*days, "all"]), rows=rows)


def _dead_letters(figures: Figures) -> Section:
    rows = [
        [*_texts(row["topic"], row["rule"]), Cell(_count(row["records"])), Cell(_short(row["last_reason"]))]
        for row in figures.dead_letters
    ]
    share = 100 * figures.dead_letters_total / figures.records_total if figures.records_total else 0.0
    lines = [Cell(f"{_percent(share)} % of the records.", bad=100 - share < ALERT_BELOW)] if rows else []
    headings = [*_headings("topic", "rule", numbers=["records"]), Heading("the last one's reason")]
    return Section("Dead letters", "dead-letters", lines, headings, rows, "No record broke a rule.")


def _quality(figures: Figures) -> Section:
    rows = [
        [
            Cell(_short(row["table_name"])),
            Cell(_count(row["checks_count"])),
            Cell(_percent(row["avg_quality"]), row["avg_quality"] < ALERT_BELOW),
            Cell(_percent(row["min_quality"]), row["min_quality"] < ALERT_BELOW),
            Cell(_moment(row["last_check"])),
        ]
        for row in figures.quality
    ]
    headings = [*_headings("table", numbers=["checks", "mean %", "lowest %"]), Heading("last check (UTC)")]
    return Section("Data quality", "quality", (), headings, rows, "No check was made. A running worker makes them.")


def _health(figures: Figures) -> Section:
    health = figures.health
    names = {
        "total_lions": "lions with data on the last day",
        "excellent_health": "excellent (over 80)",
        "good_health": "good (60 to 80)",
        "needs_attention": "needs attention (under 60)",
    }
    rows = [[Cell(name), Cell(_count(health[key]))] for key, name in names.items()]
    rows += [
        [Cell("mean health score"), Cell(_number(health["avg_health_score"]))],
        [Cell("mean weight, kg"), Cell(_number(health["avg_weight"]))],
    ]
    return Section(f"Lions' health on {figures.last_day}", "health", (), _headings("", numbers=["lions"]), rows)


def _engagement(figures: Figures) -> Section:
    rows = [
        [Cell(str(row["activity_date"])), Cell(_count(row["active_users"])), Cell(_number(row["avg_engagement"]))]
        for row in figures.engagement
    ]
    headings = _headings("day", numbers=["active users", "mean engagement"])
    return Section("Users' engagement", "engagement", (), headings, rows, "No user was active.")


def _runs(figures: Figures) -> Section:
    rows = [
        [
            Cell(_short(row["pipeline_name"])),
            Cell(row["status"], row["status"] == "failed"),
            *(Cell(_count(row[name])) for name in ("runs", "records", "errors")),
            Cell(_moment(row["last_start"])),
        ]
        for row in figures.runs
    ]
    headings = [*_headings("pipeline", "state", numbers=["runs", "records", "errors"]), Heading("last began (UTC)")]
    return Section("Pipeline runs", "", (), headings, rows, "Nothing ran.")


def _lake(figures: Figures) -> Section:
    lake = figures.lake
    names = {
        "files": "files", "rows": "rows", "bytes": "bytes", "records_waiting": "records not yet in bronze files",
        "days_waiting": "days of silver and gold not yet written",
    }  # fmt: skip
    rows = [[Cell(name), Cell(_count(lake[key]))] for key, name in names.items()]
    return Section("Lake", "", (), _headings("", numbers=["now"]), rows)


def _generations(figures: Figures, outcome: Outcome | None) -> Section:
    rows = [
        [
            Cell(str(one.number)), Cell(one.state), Cell("" if one.rule_version is None else str(one.rule_version)),
            Cell(_moment(one.created_at)), Cell(_moment(one.compared_at)),
        ]
        for one in figures.generations
    ]  # fmt: skip
    headings = _headings("generation", "state", "rules", "made (UTC)", "compared (UTC)")
    return Section("Generations", "", _told(outcome) if outcome else [], headings, rows)


def _told(outcome: Outcome) -> list[Cell]:
    """The run's result, and a line per table that differs."""
    verdict = "differs from" if outcome.differs else "is the same as"
    engine = f" by {one_line(outcome.engine)}" if outcome.engine else ""
    text = f"Generation {outcome.generation}, computed anew{engine}, {verdict} the live one"
    if outcome.records is not None:
        text += f" at record {_count(outcome.records)}"
    if outcome.action:
        text += f"; it was {one_line(outcome.action)}"
    lines = [Cell(f"{text}.", bad=outcome.differs)]
    for one in outcome.tables:
        if one.differs:
            counts = ", ".join(f"{_count(getattr(one, name))} {name}" for name in ("added", "removed", "changed"))
            lines.append(Cell(f"{_short(one.table)}: {counts} (of {_count(one.rows_live)} rows)."))
    return lines


def _headings(*texts: str, numbers: Iterable[str] = ()) -> list[Heading]:
    return [*(Heading(text) for text in texts), *(Heading(text, number=True) for text in numbers)]


def _texts(*values: str) -> list[Cell]:
    return [Cell(_short(value)) for value in values]


def _short(text: str) -> str:
    text = one_line(text)
    return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}…"


def _count(number: int) -> str:
    return f"{number:,}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _percent(value: float) -> str:
    """Two decimals, and never 100.00 for what is less, nor 0.00 for what is more."""
    if 0 < value < 0.005:
        return "0.01"
    return f"{value:.2f}" if value == 100 or value < 99.995 else "99.99"


def _moment(time: datetime | None) -> str:
    return "–" if time is None else f"{time:%Y-%m-%d %H:%M}"
