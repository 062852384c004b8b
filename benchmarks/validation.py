"""Published measurements and design laws against generated volumes: computes the tables, and draws the figures, of
docs/validation-microstructure.md and docs/design-laws.md.

    python benchmarks/validation.py compute minnmann strauss
    python benchmarks/validation.py draw

`compute` generates volumes, solves and measures them, and writes docs/figures/NAME.csv; `draw` makes docs/figures/NAME.svg
of these tables and of docs/figures/published.csv, and computes nothing. Without names both take all. See README.md.
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
)

import argparse
import time

import validation_cases
import validation_laws
import validation_more
import validation_thresholds
from validation_figures import draw
from validation_sampling import Case, write

CASES: dict[str, Case] = {
    "thresholds": validation_thresholds.thresholds,
    "minnmann": validation_cases.minnmann,
    "hlushkou": validation_cases.hlushkou,
    "kaiser": validation_cases.kaiser,
    "froboese": validation_cases.froboese,
    "bielefeld2019": validation_cases.bielefeld2019,
    "bielefeld2020": validation_cases.bielefeld2020,
    "recent": validation_more.recent,
    "strauss": validation_more.strauss,
    "shi": validation_more.shi,
    "pressing": validation_more.pressing,
    "law-size-ratio": validation_laws.size_ratio,
    "law-porosity": validation_laws.void,
    "law-electrons": validation_laws.electrons,
    "law-carbon": validation_laws.carbon,
    "law-binder": validation_laws.binder,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("compute", "draw"))
    parser.add_argument("cases", nargs="*", metavar="case", help=", ".join(CASES))
    given = parser.parse_args()
    unknown = [name for name in given.cases if name not in CASES]
    if unknown:
        parser.error(f"no case {', '.join(unknown)}; the cases are {', '.join(CASES)}")
    for name in given.cases or CASES:
        start = time.process_time()
        if given.what == "compute":
            write(name, CASES[name]())
        else:
            draw(name)
        print(f"{name}: {time.process_time() - start:.0f} s CPU", flush=True)


if __name__ == "__main__":
    main()
