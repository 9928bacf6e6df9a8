"""Commands on a disk that becomes full at different points of their work.

    python tests/faults/full_disk.py [--sizes 12]

The workspace and the lists are on a small disk in memory (tmpfs, in a mount namespace). Its free space grows from zero to
more than the command needs. Each command must end with exit code 7 and one message, or with 0. In both cases every
artifact and the lists must be whole, and after a failure they must be the old ones.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.faults.kills import COMMANDS, make_shop  # noqa: E402 - the path is set first
from tests.faults.test_disk_and_kill import IN_NAMESPACE  # noqa: E402

SCRIPT = """
set -u
mkdir disk
mount -t tmpfs -o size={size}k tmpfs disk
cp -a shop disk/ || exit 90
cd disk/shop
hashes() {{ find . -type f ! -name .lock ! -name '.*.lock' -exec sha256sum {{}} + | sort; }}
before=$(hashes)
"{python}" -m als_cli {command} -c shop.yaml
code=$?
[ $code = 0 ] || [ "$before" = "$(hashes)" ] || exit 91
"{python}" - <<'CHECK' || exit 92
from pathlib import Path
from tests.faults.kills import problems_in
import sys
found = problems_in(Path("."))
print(*found, file=sys.stderr)
sys.exit(bool(found))
CHECK
exit $code
"""


def codes_of(shop: Path, command: tuple[str, ...], sizes: int) -> list[int]:
    """Return the exit codes of `command` with growing free space; 91: files changed, 92: a broken artifact."""
    used = sum(path.stat().st_blocks // 2 for path in shop.rglob("*")) + 64
    codes = []
    for step in range(sizes):
        with tempfile.TemporaryDirectory() as temporary:
            shutil.copytree(shop, Path(temporary) / "shop", symlinks=True)
            text = " ".join(command).replace("{shop}/", "")
            ended = subprocess.run(
                [
                    *IN_NAMESPACE,
                    SCRIPT.format(size=used + step * step * 8, python=sys.executable, command=text),
                ],
                cwd=temporary,
                capture_output=True,
                text=True,
                check=False,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
            codes.append(ended.returncode)
            if ended.returncode not in (0, 7) or "Traceback" in ended.stderr:
                print(f"  step {step}: exit {ended.returncode}: {ended.stderr.strip()}")
    return codes


def main() -> None:
    """Print the exit codes of all commands."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, default=12)
    sizes = parser.parse_args().sizes
    with tempfile.TemporaryDirectory() as temporary:
        shop = make_shop(Path(temporary))
        for name, command in COMMANDS.items():
            print(f"{name}: {codes_of(shop, command, sizes)}", flush=True)


if __name__ == "__main__":
    main()
