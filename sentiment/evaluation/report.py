"""An evaluation as Markdown: a summary of all files first, then each file with all that was measured on it.

Names that come from data are strangers' text; they are shown as text.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sentiment.evaluation.quantification import Quantification
from sentiment.evaluation.results import (
    IN_STEPS,
    TITLES,
    ClassFigures,
    Confusion,
    Evaluation,
    Figure,
    Figures,
    FileResult,
)

ChartOf = Callable[[FileResult], str | None]
"""The address of a file's chart, as the report is to name it; None where there is none."""

_HOW_TO_READ = (
    "Shares and AUC in percent, macro MAE in steps (lower is better). In brackets the bootstrap interval; the baseline "
    "always says the commonest class. ECE: how far confidence and accuracy lie apart, in percentage points."
)

TARGETS = 15
"""Targets whose shares are shown; the JSON has all of them."""

_MEANT = set("\\`*_{}[]()<>#+-.!|~&$")


def markdown(found: Evaluation, chart_of: ChartOf = lambda _: None) -> str:
    """The whole report."""
    asked = "; ".join(f"{plain(name)}: {plain(str(one))}" for name, one in found.settings.items() if one is not None)
    lines = [
        f"# Evaluation of {plain(found.model)}",
        "",
        f"Revision {plain(found.revision)}, measured {found.date:%Y-%m-%d %H:%M} UTC by Escucha",
        f"{plain(found.escucha)}.",
        f"{asked}.",
        "",
        _HOW_TO_READ,
        "",
        *_summary(found.files),
    ]
    for file in found.files:
        lines += ["", f"## {plain(file.file)}", "", *_file(file, chart_of(file))]
    if found.skipped:
        lines += ["", "## Passed over", "", *(f"- {plain(note)}" for note in found.skipped)]
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """Text that Markdown and HTML show as it is, on one line."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in " ".join(text.split()))
    return "".join(f"\\{char}" if char in _MEANT and not _harmless(shown, place) else char
                   for place, char in enumerate(shown))  # fmt: skip


def _harmless(text: str, place: int) -> bool:
    """A point, hyphen or underscore within a word means nothing to Markdown."""
    within = 0 < place < len(text) - 1 and text[place - 1].isalnum() and text[place + 1].isalnum()
    return within and text[place] in ".-_"


def _summary(files: Sequence[FileResult]) -> Iterator[str]:
    yield from _head("file", "rows", "measure", "value", "baseline", "ECE")
    for file in files:
        if file.figures is None:
            yield _row(plain(file.file), _count(file.measured), "; ".join(map(plain, file.notes)), "", "", "")
            continue
        figure = file.figures.headline_figure
        yield _row(
            plain(file.file), _count(file.measured), TITLES[figure.name], _with_interval(figure),
            _value(figure.name, figure.baseline), _percent(file.figures.calibration_error),
        )  # fmt: skip


def _file(file: FileResult, chart: str | None) -> Iterator[str]:
    yield f"{_count(file.measured)} of {_count(file.rows)} rows measured. SHA-256 `{file.sha256}`."
    for note in file.notes:
        yield f"Note: {plain(note)}."
    if file.broken:
        yield ""
        yield f"{_count(file.broken)} rows were left out:"
        yield ""
        yield from (f"- line {broken.line}: {plain(broken.why)}" for broken in file.first_broken)
        if file.broken > len(file.first_broken):
            yield "- ..."
    if file.figures is not None:
        yield from _figures(file.figures, chart)


def _figures(found: Figures, chart: str | None) -> Iterator[str]:
    yield ""
    yield from _head("measure", "value", "baseline")
    for figure in found.figures:
        yield _row(TITLES[figure.name], _with_interval(figure), _value(figure.name, figure.baseline))
    if chart:
        yield ""
        yield f"![Reliability, coverage and confusion]({chart})"
    for title, groups in (("Language", found.languages), ("Kind", found.kinds)):
        if groups:
            names = [figure.name for figure in found.figures]
            yield ""
            yield from _head(title, "rows", *(TITLES[name] for name in names))
            for group in groups:
                values = (_value(name, group.figures.get(name)) for name in names)
                yield _row(plain(group.name), _count(group.rows), *values)
    yield from _classes(found.classes)
    for confusion in found.confusions:
        yield from _confusion(confusion)
    yield from _calibration(found)
    if found.quantification:
        yield from _shares(found.quantification)


def _classes(classes: Sequence[ClassFigures]) -> Iterator[str]:
    if not classes:
        return
    yield ""
    yield from _head("class", "rows", "precision", "recall", "F1")
    for one in classes:
        yield _row(plain(one.name), _count(one.rows), *map(_percent, (one.precision, one.recall, one.f1)))


def _confusion(confusion: Confusion) -> Iterator[str]:
    yield ""
    title = f"Confusion, {plain(confusion.title)}" if confusion.title else "Confusion"
    yield from _head(f"{title}: true below, said across", *map(plain, confusion.names))
    for name, counts in zip(confusion.names, confusion.counts, strict=True):
        yield _row(plain(name), *map(_count, counts))


def _calibration(found: Figures) -> Iterator[str]:
    if found.reliability:
        yield ""
        yield f"Expected calibration error: {_percent(found.calibration_error)} points."
        yield ""
        yield from _head("confidence", "rows", "mean confidence", "accuracy")
        for one in found.reliability:
            between = f"{100 * one.low:.0f} to {100 * one.high:.0f}"
            yield _row(between, _count(one.rows), _percent(one.confidence), _percent(one.accuracy))
    if found.coverage:
        yield ""
        yield from _head("rows kept, surest first", "accuracy")
        for kept in found.coverage:
            yield _row(f"{100 * kept.coverage:.0f}", _percent(kept.accuracy))
    if flag := found.without_unsure:
        yield ""
        yield f"Without the scores that the model calls unsure {_percent(flag.coverage)} % of the rows are left,"
        yield f"{_percent(flag.accuracy)} % of them right."


def _shares(found: Quantification) -> Iterator[str]:
    yield ""
    yield (
        f"Shares per target with at least {found.least_rows} rows ({_count(found.left_out)} others left out). "
        f"Mean KLD: {_kld(found.kld_counted)} counted, {_kld(found.kld_averaged)} from mean probabilities, "
        f"{_kld(found.kld_baseline)} when every target gets the shares of the whole file."
    )
    if not found.targets:
        return
    yield ""
    names = " / ".join(map(plain, found.classes))
    yield from _head("target", "rows", f"true {names}", "counted", "mean probability", "KLD counted", "KLD mean")
    for one in found.targets[:TARGETS]:
        yield _row(
            plain(one.target), _count(one.rows), *map(_slashed, (one.true, one.counted, one.averaged)),
            _kld(one.kld_counted), _kld(one.kld_averaged),
        )  # fmt: skip
    if len(found.targets) > TARGETS:
        yield f"{chr(10)}{_count(len(found.targets) - TARGETS)} more are in the JSON."


def _head(*titles: str) -> tuple[str, str]:
    return _row(*titles), "|" + "---|" * len(titles)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _count(many: int) -> str:
    return f"{many:,}"


def _with_interval(figure: Figure) -> str:
    value = _value(figure.name, figure.value)
    if figure.low is None or figure.high is None:
        return value
    return f"{value} ({_value(figure.name, figure.low)} to {_value(figure.name, figure.high)})"


def _value(name: str, value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    return f"{value:.3f}" if name in IN_STEPS else f"{100 * value:.1f}"


def _percent(value: float | None) -> str:
    return _value("", value)


def _kld(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.4f}"


def _slashed(shares: Iterable[float]) -> str:
    return " / ".join(f"{100 * share:.0f}" for share in shares)


def headline(file: FileResult) -> Mapping[str, str]:
    """A file's line of the summary by column, for a terminal."""
    if file.figures is None:
        return {"file": file.file, "rows": _count(file.measured), "measure": "; ".join(file.notes)}
    figure = file.figures.headline_figure
    return {
        "file": file.file,
        "rows": _count(file.measured),
        "measure": TITLES[figure.name],
        "value": _with_interval(figure),
        "baseline": _value(figure.name, figure.baseline),
        "ECE": _percent(file.figures.calibration_error),
    }
