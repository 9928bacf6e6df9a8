"""Coverage-guided fuzzer of configs, conditions, event files, manifests and artifacts, with atheris.

    pip install atheris
    python tests/faults/fuzz_coverage.py TARGET [OPTION]...

OPTION is an option of libFuzzer, for example -max_total_time=600 or -runs=100000. The fuzzer changes the inputs of a
corpus, and keeps each input that reaches new lines of als-cli. The first inputs are made by the generators of
`fuzz.py`, so that no file has to be stored. It needs atheris, which neither als-cli nor its tests depend on.

All errors that are not documented are counted by place. A crash, a hang or too much memory ends the process, and
libFuzzer writes the input to a file. `python tests/faults/fuzz_coverage.py TARGET FILE` runs it again.
"""

import importlib
import json
import os
import random
import sys
import tempfile
import traceback
import zlib
from collections import Counter
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "1")
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

INSTRUMENTED = ["als_cli", "yaml"]
NOT_INSTRUMENTED = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in ("als", "ranking", "evaluation")
    for path in (ROOT / "als_cli" / package).rglob("*.py")
]
"""Packages with compiled kernels, which atheris cannot instrument."""
LIMITS = ("-timeout=20", "-rss_limit_mb=2048", "-max_len=20000")
SEEDS = 100
"""Inputs that are made for the first corpus."""


class Target:
    """A kind of input: how its bytes are used, and inputs to begin with."""

    def __init__(self, name: str, folder: Path) -> None:
        """Import what is tested. The caller has switched on the instrumentation."""
        self.name, self.folder = name, folder
        self.fuzz = importlib.import_module("tests.faults.fuzz")
        self.artifacts = importlib.import_module("tests.faults.fuzz_artifacts")
        self.errors = importlib.import_module("als_cli.errors")
        self.escaped: Counter[str] = Counter()

    def run(self, content: bytes) -> None:
        """Use `content`, and count errors that are not documented."""
        try:
            try:
                self._use(content)
            except self.errors.AlsError as error:
                self.fuzz.checked_code(error, self.name)
        except BaseException as escaped:  # noqa: BLE001 - the fuzzer looks for all of them
            self._report(escaped)

    def _report(self, escaped: BaseException) -> None:
        frames = traceback.extract_tb(escaped.__traceback__)
        place = next((one for one in reversed(frames) if "als_cli" in one.filename), frames[-1])
        said = f"{type(escaped).__name__} at {Path(place.filename).name}:{place.lineno}"
        if said not in self.escaped:
            print(f"ESCAPED {said}: {str(escaped)[:200]!r}", flush=True)
            traceback.print_exception(escaped, file=sys.stdout)
        self.escaped[said] += 1

    def _use(self, content: bytes) -> None:
        if self.name == "config":
            file = self.folder / "fuzz.yaml"
            file.write_bytes(content)
            self.fuzz.load_config(file, environment={})
        elif self.name == "where":
            text = content.decode("utf-8", errors="replace")
            self.fuzz.mark_rows(text, typed=bool(zlib.crc32(content) & 1))
        elif self.name == "manifest":
            artifacts = self.fuzz.artifacts_in(self.folder)
            artifacts.use(artifacts.folders["model"] / "manifest.json", self._with_checksum(content))
        elif self.name in self.fuzz.ARTIFACTS:
            artifacts = self.fuzz.artifacts_in(self.folder)
            files = artifacts.files(self.name)
            artifacts.use(files[content[0] % len(files)] if content else files[0], content[1:])
        else:
            keys = self.fuzz.event_keys(random.Random(zlib.crc32(content) % 1000))
            self.fuzz.read_events(self.name, content, keys, self.folder)

    def _with_checksum(self, content: bytes) -> bytes:
        """Return `content` with a right checksum if it is a JSON object: no fuzzer can find one."""
        try:
            document = json.loads(content)
            if isinstance(document, dict):
                return json.dumps(self.artifacts.with_checksum(document)).encode()
        except (ValueError, RecursionError):
            pass
        return content

    def write_seeds(self, corpus: Path) -> None:
        """Write the first inputs into the folder `corpus`."""
        for number in range(SEEDS):
            (corpus / f"seed-{number}").write_bytes(self._seed(random.Random(number)))

    def _seed(self, rng: random.Random) -> bytes:
        if self.name == "config":
            return bytes(self.fuzz.config_text(rng))
        if self.name == "where":
            return str(self.fuzz.condition(rng)).encode("utf-8", errors="replace")
        if self.name == "manifest":
            artifacts = self.fuzz.artifacts_in(self.folder)
            whole = artifacts.whole[artifacts.folders["model"] / "manifest.json"]
            return bytes(self.artifacts.changed_manifest(whole, rng))
        if self.name in self.fuzz.ARTIFACTS:
            artifacts = self.fuzz.artifacts_in(self.folder)
            files = artifacts.files(self.name)
            number = rng.randrange(len(files))
            return bytes([number]) + artifacts.whole[files[number]]
        return bytes(self.fuzz.event_file(self.name, rng))


def main() -> None:
    """Run the target on the command line until libFuzzer ends."""
    atheris = importlib.import_module("atheris")
    name, *options = sys.argv[1:]
    instrumented = atheris.instrument_imports(include=INSTRUMENTED, exclude=NOT_INSTRUMENTED)
    with tempfile.TemporaryDirectory() as temporary, instrumented:
        folder, corpus = Path(temporary, "files"), Path(temporary, "corpus")
        folder.mkdir()
        corpus.mkdir()
        target = Target(name, folder)
        target.write_seeds(corpus)
        inputs = [] if any(not option.startswith("-") for option in options) else [str(corpus)]
        atheris.Setup([sys.argv[0], *LIMITS, *options, *inputs], target.run)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
