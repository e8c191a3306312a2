"""Random layers against the oracle, as many as you like.

    python tests/kernels/fuzz.py --count 5000 [--operator CONV_2D] [--dtype int8] [--seed 1] [--arch portable]

Prints one line per operator and type. `--arch` tests the variants of another instruction set (its inner loops too
where this host can run them, else their specification in portable C), `--sanitize`
with AddressSanitizer and UndefinedBehaviorSanitizer, `--without-avx2` as an x86-64 processor without AVX2 runs them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from cases import GENERATORS
from compare import difference, make_case
from host import SANITIZE, WITHOUT_AVX2, build_library, library_environment

from midge.runtime import native

SHOWN = 5
"""Differences printed in full per operator and type."""


def main() -> int:
    """Run the fuzz; 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="layers per operator and type (default 1000)")
    parser.add_argument("--operator", action="append", help="only this operator; may be given again")
    parser.add_argument("--dtype", help="only this type of the first input")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other layers (default 0)")
    parser.add_argument("--first", type=int, default=0, help="number of the first layer (default 0)")
    parser.add_argument("--arch", help="instruction set whose variants to test (default: this host's)")
    parser.add_argument("--sanitize", action="store_true", help="build the kernels with sanitizers")
    parser.add_argument("--without-avx2", action="store_true", help="build the kernels as if there were no AVX2")
    arguments = parser.parse_args()
    if "MIDGE_KERNEL_LIBRARY" in os.environ or not (arguments.arch or arguments.sanitize or arguments.without_avx2):
        return run(arguments)
    flags = SANITIZE if arguments.sanitize else WITHOUT_AVX2 if arguments.without_avx2 else ("-O2",)
    with tempfile.TemporaryDirectory() as folder:
        library = build_library(Path(folder), arguments.arch or native.host_arch(), flags)
        return subprocess.run([sys.executable, *sys.argv], env=library_environment(library, flags)).returncode


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen layers and print the table."""
    failed = False
    print(f"{'operator':24} {'dtype':8} {'layers':>8} {'differences':>12}")
    for operator in arguments.operator or GENERATORS:
        for dtype in GENERATORS[operator].dtypes:
            if arguments.dtype not in (None, dtype):
                continue
            differences = 0
            for number in range(arguments.first, arguments.first + arguments.count):
                try:
                    found = difference(make_case(operator, dtype, arguments.seed, number), arguments.arch)
                except Exception:
                    found = traceback.format_exc(limit=-3)
                if found is not None:
                    differences += 1
                    if differences <= SHOWN:
                        print(f"{operator} {dtype} --seed {arguments.seed} --first {number}: {found}", file=sys.stderr)
            failed = failed or differences > 0
            print(f"{operator:24} {dtype:8} {arguments.count:8} {differences:12}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
