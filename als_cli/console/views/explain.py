"""The view of `als explain`: plain text, wrapped to the width of the terminal."""

import shutil
import textwrap
from collections.abc import Iterator

from als_cli.config.key_help import KeyReport, VariantReport
from als_cli.config.yaml_text import write_value

_INDENT = "  "


def explanation_text(report: KeyReport) -> str:
    """Return the help in `report` as text."""
    width = max(40, min(shutil.get_terminal_size().columns, 100))
    return "\n".join(_lines(report, width))


def _lines(report: KeyReport, width: int) -> Iterator[str]:
    yield report.key
    for variant in report.variants:
        yield ""
        yield from _variant_lines(variant, width, is_section=bool(report.keys))
    if report.keys:
        yield from _key_lines(report, width)
    used_by = [name if name.startswith("every") else f"als {name}" for name in report.used_by]
    for title, names in (("Used by", used_by), ("Related keys", report.related)):
        if names:
            yield ""
            yield from _wrapped(f"{title}: {', '.join(names)}", width)
    yield from ("", "Example:", "")
    yield from (f"{_INDENT}{line}" for line in report.example.splitlines())


def _variant_lines(variant: VariantReport, width: int, *, is_section: bool) -> Iterator[str]:
    if variant.variant:
        yield from _wrapped(f"With {variant.variant}" if ": " in variant.variant else variant.variant, width)
    yield from _wrapped(variant.description, width, _INDENT)
    yield ""
    yield from _wrapped(f"type      {variant.type}", width, _INDENT, 10)
    if variant.required:
        yield f"{_INDENT}required"
    elif not is_section or variant.type.endswith("null"):
        yield from _wrapped(f"default   {write_value(variant.default)}", width, _INDENT, 10)


def _key_lines(report: KeyReport, width: int) -> Iterator[str]:
    yield from ("", "Keys:", "")
    names = [one.key.removeprefix(report.key).lstrip("[].") for one in report.keys]
    column = min(max(map(len, names)), 24) + 2
    for name, one in zip(names, report.keys, strict=True):
        first = f"{name.ljust(column)}{one.description}"
        yield from _wrapped(first, width, _INDENT, column)


def _wrapped(text: str, width: int, indent: str = "", hanging: int = 0) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + " " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
