"""The words of the language of `where`: functions, types, operators, keywords. See docs/configuration.md."""

import re

FUNCTIONS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("lower", "upper", "length", "char_length", "trim", "ltrim", "rtrim"), (1, 1)),
    **dict.fromkeys(("left", "right", "starts_with", "ends_with", "strpos", "regexp_like"), (2, 2)),
    **dict.fromkeys(("substr", "substring"), (2, 3)),
    "replace": (3, 3),
    "concat": (1, 99),
    "concat_ws": (2, 99),
    **dict.fromkeys(
        ("abs", "floor", "ceil", "ceiling", "sign", "sqrt", "exp", "ln", "log2", "log10"), (1, 1)
    ),
    **dict.fromkeys(("power", "pow", "mod"), (2, 2)),
    "round": (1, 2),
    **dict.fromkeys(("coalesce", "greatest", "least"), (1, 99)),
    **dict.fromkeys(("ifnull", "nullif"), (2, 2)),
    "if": (3, 3),
    **dict.fromkeys(("year", "quarter", "month", "week", "day", "dayofweek", "dayofyear"), (1, 1)),
    **dict.fromkeys(("hour", "minute", "second"), (1, 1)),
    **dict.fromkeys(("date_part", "strftime", "strptime", "date"), (2, 2)),
}
"""Minimum and maximum number of arguments, by name. Each function reads one row and gives one value for it."""
TEXT_ARGUMENTS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("concat_ws", "date_part"), (0,)),
    **dict.fromkeys(("regexp_like", "strftime", "strptime", "date"), (1,)),
    "replace": (1, 2),
}
"""Positions of arguments that must be text in single quotes: patterns, formats, separators."""
TYPES = (
    *("tinyint", "smallint", "int", "integer", "bigint", "real", "float", "double", "boolean"),
    *("varchar", "text", "string", "date", "time", "timestamp", "datetime"),
)
"""The types of casts."""
DATE_PARTS = ("year", "quarter", "month", "week", "day", "dow", "isodow", "doy", "hour", "minute", "second")
"""The first argument of `extract`."""

ARITHMETIC = frozenset({"+", "-", "*", "/", "//", "%", "||", "&", "|"})
INFIX = ARITHMETIC | {"=", "==", "<>", "!=", "<", "<=", ">", ">=", "and", "or"}
PATTERNS = frozenset({"like", "ilike", "regexp", "rlike", "~", "~*", "!~", "!~*"})
PREDICATES = PATTERNS | {"not", "between", "in"}
CONSTANTS = frozenset({"true", "false", "null"})
TYPED_LITERALS = frozenset({"date", "time", "timestamp", "interval"})
RESERVED = (
    PREDICATES | CONSTANTS | {"and", "or", "is", "case", "when", "then", "else", "end", "select", "with"}
)
_UNITS = "years?|quarters?|months?|weeks?|days?|hours?|minutes?|seconds?"
INTERVAL = re.compile(rf"\s*(?:[0-9]{{1,6}}\s+(?:{_UNITS})\s*)+", re.IGNORECASE)
"""The text of an interval. polars computes wrong instants from numbers with more digits."""
