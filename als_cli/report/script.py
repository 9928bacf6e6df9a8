"""The libraries of the report, which are an extra: Jinja2, and vl-convert-python with the JavaScript of Vega-Lite."""

import importlib.util
import re

from als_cli.errors import ConfigError

_MODULES = {"jinja2": "Jinja2", "vl_convert": "vl-convert-python"}


def require_report_extra() -> None:
    """Return when the libraries of the report are installed.

    Raises
    ------
    ConfigError
        A library is not installed.
    """
    for module, name in _MODULES.items():
        if importlib.util.find_spec(module) is None:
            raise ConfigError(
                f"the HTML report needs {name}, which is not installed", hint="pip install 'als-cli[report]'"
            )


def chart_library() -> str:
    """Return the JavaScript of Vega, Vega-Lite and Vega-Embed as one script without imports, about 0.9 MB.

    It is made from files inside the package, without any network access, in about a second. The same version of
    vl-convert-python gives the same text.
    """
    import vl_convert

    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub has no default
    return _inside_script(bundle)


def _inside_script(script: str) -> str:
    """Return `script` without the texts that would end or nest a script element. Inside strings the meaning is the same."""
    return re.sub("<(?=/script|!--)", r"\\x3c", script.replace("\r", ""), flags=re.IGNORECASE)
