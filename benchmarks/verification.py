"""Published numbers beside ours: a table of category, method, reference, tolerance and what is reached.

    python benchmarks/verification.py          prints the table
    python benchmarks/verification.py --write  also writes docs/verification.md

A case runs products by :func:`musyq_lab.retrieve`, and a kernel where no product shows the number. What is expected
stands in tests/reference/*.csv with its origin. ``MUSYQ_DISABLE_JIT=1`` runs the Python twins of the kernels.
"""

import argparse

import _verification_canopy
import _verification_carbon
import _verification_land
import _verification_radiation
import _verification_sun
import numpy as np
from _bench import table
from _verification import CASES, ROOT, Case

__all__ = ["CASES", "DOCUMENT", "document", "fixed_cells", "lines"]

DOCUMENT = ROOT / "docs" / "verification.md"
HEAD = ["category", "method", "reference", "tolerance", "reached", "verdict"]
MODULES = (
    _verification_canopy,
    _verification_carbon,
    _verification_land,
    _verification_radiation,
    _verification_sun,
)
"""Imported for their cases, in the order of the table."""

ABOUT = """# Verification

What the methods give for inputs whose result others have published, or whose equations were evaluated apart. The first
word of a reference, such as MOD17-GPP or dlr_clear, names a set of numbers in `tests/reference/`. *Tolerance* is the
largest difference that is allowed, in the unit of the quantity or, "of it", as a share of the expected number;
*reached* is the largest difference found. A "report" compares with a different model: there is nothing to reproduce,
and *reached* is the root mean square difference.

Made by `python benchmarks/verification.py --write`; `tests/test_verification.py` computes every row again. Each table
of `tests/reference/` says where its numbers come from.

"""

NOT_REPRODUCED = """
## What is not reproduced, and why

* **SL2P** (LAI, FAPAR, FCOVER) is another network, trained on other canopies: its ten test cases are compared, not met.
  Its canopy chlorophyll (`SL2P-3_0/S2A-LAI_Cab`) has no product here.
* **VI-3** and **MOD17-TRAP** are wrong on purpose. The rows show that ours is the right form: EVI with L = 1, and net
  production that keeps the respiration of roots and wood.
* **4SAIL**: `gammasdf`, `gammasdb` and `gammaso` serve thermal emission, which is not computed by this kernel.
* **PMODEL-temperature**: only production is compared; the ratio of pressures and the quantum yield are not results of
  the product.
* **PT-JPL** below 7 degrees Celsius: the package PTJPL holds the saturation pressure at 1 kPa or more, which makes its
  soil drier than it is. Those rows are left out.
* **SG-1**: at the ends scipy draws the polynomial of the last seven values on; ours fits the values within the window
  of each day. The three values at each end differ by up to 0.0003.
* **MOD16-ET**: the number is that of the array form of its authors, which has no transpiration by night; the product
  has it.
* **PHENO-1** is evaluated on the curve itself. From values of that curve every five days the product finds its dates
  within 0.7 d.
* **ROUGH-conifer** is met at its tolerance by the kernel; the product takes the shape of a cone, 2 / pi, from a
  table of six digits.
* **CO2eq** is a number of the documentation: no product counts in carbon dioxide.
* **dlr_zhou2007**: coefficients that nobody could confirm; the method is not there.
* **irradpy2_mac2**, **sparta**, **poa_pv_klucher**, **poa_pv_reindl** and **poa_pv_king** are models that are not
  offered: the rows say how far the nearest one that is lies from them. **band_reflectance_prosail** holds spectra and
  responses that are not ours; what is left after bands of one sensor are brought to those of another is its row.
* **sixs_lambertian**, **sixsV21**: the tables interpolate, and the responses are those of the agencies, not Py6S's.
* **poa_pv**, **huld_pvgis**: the application calls the functions of pvlib that made these numbers; the rows show that
  it gives them what they take.
* **nir_wv** takes the air mass as it is often quoted; the product by default takes it relative to that of a Sun at 45
  degrees, which is nearer to 6S (`products/_vapour_methods.py`).
* **bsa_kernel_integrals**: the polynomials of MCD43 are off by up to 0.075 from the integrals; they are there as an
  option.
* The land cover product, a classifier, has no published number to reproduce: its rows are those of the estimators by
  which maps are judged.
"""


def fixed_cells(case: Case) -> list[str]:
    """Return the cells of a row that do not depend on a run."""
    return [case.category, case.method, case.reference, case.allowed()]


def lines() -> list[list[str]]:
    """Run all cases and return the rows of the table."""
    made = []
    for case in CASES:
        reached = case.reached()
        met = "met" if reached <= case.tolerance else "NOT met"
        made.append([*fixed_cells(case), f"{reached:.1e}", "compared" if np.isinf(case.tolerance) else met])
    return made


def document(rows: list[list[str]]) -> str:
    """Return the page of the documentation."""
    cells = [HEAD, ["---"] * len(HEAD), *rows]
    return ABOUT + "".join(f"| {' | '.join(row)} |\n" for row in cells) + NOT_REPRODUCED


def main() -> None:
    """Print the table, and write the page where asked to."""
    parser = argparse.ArgumentParser(description="Published numbers beside ours.")
    parser.add_argument("--write", action="store_true", help="write docs/verification.md")
    wanted = parser.parse_args()
    rows = lines()
    table("Verification", HEAD, [list[object](row) for row in rows])
    if wanted.write:
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text(document(rows), encoding="utf-8")
        print(f"written: {DOCUMENT}")


if __name__ == "__main__":
    main()
