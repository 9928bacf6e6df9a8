"""als-cli, a batch recommender: reads interaction events and writes top-N lists.

``from als_cli import Dataset, Model, evaluate`` uses it as a library; docs/library.md describes it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from als_cli.errors import AlsError

if TYPE_CHECKING:
    from als_cli.api.dataset import Dataset
    from als_cli.api.evaluation import evaluate
    from als_cli.api.exchange import from_implicit, to_implicit
    from als_cli.api.model import Model

__version__ = "0.1.0"

__all__ = ["AlsError", "Dataset", "Model", "__version__", "evaluate", "from_implicit", "to_implicit"]

NOTICE = 25
"""Log level between info and warning. Notices are printed at a terminal, but not in cron."""

_LIBRARY = {
    "Dataset": "als_cli.api.dataset",
    "Model": "als_cli.api.model",
    "evaluate": "als_cli.api.evaluation",
    "from_implicit": "als_cli.api.exchange",
    "to_implicit": "als_cli.api.exchange",
}
"""Names that are imported when they are used, because the help of a command needs no large library."""


def __getattr__(name: str) -> Any:
    if name in _LIBRARY:
        return getattr(import_module(_LIBRARY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
