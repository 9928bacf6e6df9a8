"""Peak memory of a training, compared with two matrices plus three times the factors.

    python tests/benchmarks/memory.py [--factors 128]

The peak is measured above the memory that the process held before, including the strengths. `als train` memory-maps the
strengths, so the system can drop their pages. Linux only: the peak is the kernel's high-water mark.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import machine
import synthetic

from als_cli.als.native import warm_up
from als_cli.als.threads import available_threads
from als_cli.config.train import TrainConfig
from als_cli.tuning.parameters import recipe_for

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def resident(field: str) -> float:
    """Return `field`, VmRSS or VmHWM (the high-water mark), of this process in MiB."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--factors", type=int, default=128)
    options = parser.parse_args()
    threads = available_threads()
    print(machine.describe(threads))
    warm_up()
    strengths = synthetic.movielens_like()
    recipe = recipe_for(strengths, TrainConfig(factors=options.factors, iterations=3), threads)
    CLEAR.write_text("5")  # resets the high-water mark
    before = resident("VmRSS")
    factors = recipe.fit(strengths, lambda _: None)
    peak = resident("VmHWM") - before
    size = (factors.users.nbytes + factors.items.nbytes) / 2**20
    copy = strengths.nnz * 8 / 2**20
    print(
        f"{strengths.shape[0]:,} users, {strengths.shape[1]:,} items, {strengths.nnz:,} pairs, f = {options.factors}:\n"
        f"  peak {peak:.0f} MiB above {before:.0f}; two matrices {2 * copy:.0f} + three times the factors {3 * size:.0f}"
        f" = {2 * copy + 3 * size:.0f} MiB"
    )


if __name__ == "__main__":
    main()
