"""The formula table of ``spectral_index``: one row an index. Rows are checked against spyndex 0.12 in the tests."""

import ast
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

BANDS = (
    "blue", "green", "red", "red_edge_1", "red_edge_2", "red_edge_3", "nir", "nir_narrow", "swir1", "swir2",
)  # fmt: skip
"""Band roles that a formula may name, by wavelength."""

FUNCTIONS = ("select", "sqrt", "tanh")
"""Functions that a formula may call."""


_lock = threading.Lock()


def parsed(expression: str) -> ast.Expression:
    """Return the syntax tree of an expression.

    One thread at a time: two that build trees at once make CPython 3.11 raise "AST constructor recursion depth
    mismatch" (python/cpython#106905).
    """
    with _lock:
        return ast.parse(expression, mode="eval")


@dataclass(frozen=True)
class Formula:
    """One spectral index."""

    name: str
    """Key, lower case."""
    title: str
    """Full name."""
    expression: str
    """Formula in band roles and parameters, Python notation."""
    references: tuple[str, ...]
    """DOI of the defining paper; an address where there is none."""
    valid_range: tuple[float, float] = (-1.0, 1.0)
    """Values that vegetation, soil, water, snow and built land take; outside is suspect."""
    parameters: Mapping[str, float] = field(default_factory=dict)
    """Parameters of this index and their published values."""
    units: str = "1"
    """UDUNITS spelling of the index."""

    def __post_init__(self) -> None:
        """Make the parameters read-only and refuse a name that is neither band, parameter nor function."""
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))
        unknown = self._names() - set(BANDS) - set(self.parameters) - set(FUNCTIONS)
        if unknown:
            raise ValueError(f"formula {self.name!r} names {sorted(unknown)}, neither bands nor parameters")

    @property
    def bands(self) -> tuple[str, ...]:
        """Roles of the bands that the formula reads."""
        names = self._names()
        return tuple(band for band in BANDS if band in names)

    def _names(self) -> set[str]:
        return {node.id for node in ast.walk(parsed(self.expression)) if isinstance(node, ast.Name)}


def table() -> dict[str, Formula]:
    """All formulas by name."""
    return {formula.name: formula for formula in _ROWS}


def _difference(name: str, title: str, first: str, second: str, reference: str) -> Formula:
    """Make the row of a normalised difference (first - second) / (first + second)."""
    return Formula(name, title, f"({first} - {second}) / ({first} + {second})", (reference,))


_ROWS = (
    # ---- greenness: red and near infrared ----
    _difference("ndvi", "Normalized difference vegetation index", "nir", "red",
                "https://ntrs.nasa.gov/citations/19740022614"),
    Formula("evi", "Enhanced vegetation index", "G * (nir - red) / (nir + C1 * red - C2 * blue + L)",
            ("10.1016/S0034-4257(02)00096-2",), (-1.0, 1.0), {"G": 2.5, "C1": 6.0, "C2": 7.5, "L": 1.0}),
    Formula("evi_backup", "EVI, in its two-band form over snow and cloud (as MOD13 does)",
            "select(blue > bright, G * (nir - red) / (nir + C * red + L),"
            " G * (nir - red) / (nir + C1 * red - C2 * blue + L))",
            ("10.1016/S0034-4257(02)00096-2", "10.1016/j.rse.2008.06.006"), (-1.0, 1.0),
            {"bright": 0.2, "G": 2.5, "C": 2.4, "C1": 6.0, "C2": 7.5, "L": 1.0}),
    Formula("evi2", "Two-band enhanced vegetation index", "G * (nir - red) / (nir + C * red + L)",
            ("10.1016/j.rse.2008.06.006",), (-1.0, 1.0), {"G": 2.5, "C": 2.4, "L": 1.0}),
    Formula("savi", "Soil-adjusted vegetation index", "(1.0 + L) * (nir - red) / (nir + red + L)",
            ("10.1016/0034-4257(88)90106-X",), (-1.0, 1.5), {"L": 0.5}),
    Formula("osavi", "Optimized soil-adjusted vegetation index", "(nir - red) / (nir + red + X)",
            ("10.1016/0034-4257(95)00186-7",), (-1.0, 1.0), {"X": 0.16}),
    Formula("msavi", "Modified soil-adjusted vegetation index",
            "0.5 * (2.0 * nir + 1.0 - sqrt((2.0 * nir + 1.0) * (2.0 * nir + 1.0) - 8.0 * (nir - red)))",
            ("10.1016/0034-4257(94)90134-1",)),
    Formula("nirv", "Near-infrared reflectance of vegetation", "(nir - red) / (nir + red) * nir",
            ("10.1126/sciadv.1602244",)),
    Formula("kndvi", "Kernel NDVI, length scale half the sum of the bands",
            "tanh(((nir - red) / (nir + red)) * ((nir - red) / (nir + red)))",
            ("10.1126/sciadv.abc7447",), (0.0, 1.0)),
    Formula("dvi", "Difference vegetation index", "nir - red", ("10.1016/0034-4257(94)00114-3",)),
    Formula("rvi", "Ratio vegetation index (simple ratio)", "nir / red", ("10.2307/1936256",), (0.0, 60.0)),
    Formula("msr", "Modified simple ratio", "(nir / red - 1.0) / sqrt(nir / red + 1.0)",
            ("10.1080/07038992.1996.10855178",), (-1.0, 8.0)),
    Formula("rdvi", "Renormalized difference vegetation index", "(nir - red) / sqrt(nir + red)",
            ("10.1016/0034-4257(94)00114-3",)),
    Formula("wdrvi", "Wide dynamic range vegetation index", "(alpha * nir - red) / (alpha * nir + red)",
            ("10.1078/0176-1617-01176",), (-1.0, 1.0), {"alpha": 0.1}),
    Formula("tvi", "Transformed vegetation index", "sqrt((nir - red) / (nir + red) + 0.5)",
            ("https://ntrs.nasa.gov/citations/19740022614",), (0.0, 1.3)),
    Formula("nli", "Non-linear vegetation index", "(nir * nir - red) / (nir * nir + red)",
            ("10.1080/02757259409532252",)),
    Formula("mnli", "Modified non-linear vegetation index", "(1.0 + L) * (nir * nir - red) / (nir * nir + red + L)",
            ("10.1109/TGRS.2003.812910",), (-1.5, 1.5), {"L": 0.5}),
    Formula("gemi", "Global environment monitoring index",
            "(2.0 * (nir * nir - red * red) + 1.5 * nir + 0.5 * red) / (nir + red + 0.5)"
            " * (1.0 - 0.25 * ((2.0 * (nir * nir - red * red) + 1.5 * nir + 0.5 * red) / (nir + red + 0.5)))"
            " - (red - 0.125) / (1.0 - red)",
            ("10.1007/BF00031911",), (-2.0, 2.0)),
    Formula("ndpi", "Normalized difference phenology index",
            "(nir - (alpha * red + (1.0 - alpha) * swir1)) / (nir + (alpha * red + (1.0 - alpha) * swir1))",
            ("10.1016/j.rse.2017.04.031",), (-1.0, 1.0), {"alpha": 0.74}),
    # ---- greenness: visible bands and atmosphere-resistant forms ----
    _difference("gndvi", "Green normalized difference vegetation index", "nir", "green",
                "10.1016/S0034-4257(96)00072-7"),
    Formula("arvi", "Atmospherically resistant vegetation index",
            "(nir - (red - gamma * (red - blue))) / (nir + (red - gamma * (red - blue)))",
            ("10.1109/36.134076",), (-1.0, 1.0), {"gamma": 1.0}),
    Formula("vari", "Visible atmospherically resistant index", "(green - red) / (green + red - blue)",
            ("10.1016/S0034-4257(01)00289-9",)),
    Formula("gli", "Green leaf index", "(2.0 * green - red - blue) / (2.0 * green + red + blue)",
            ("10.1080/10106040108542184",)),
    Formula("gcc", "Green chromatic coordinate", "green / (red + green + blue)",
            ("10.1016/0034-4257(87)90088-5",), (0.0, 1.0)),
    Formula("exg", "Excess green", "2.0 * green - red - blue", ("10.13031/2013.27838",)),
    Formula("tgi", "Triangular greenness index", "-0.5 * (190.0 * (red - green) - 120.0 * (red - blue))",
            ("10.1016/j.jag.2012.07.020",), (-100.0, 100.0)),
    Formula("fcvi", "Fluorescence correction vegetation index", "nir - (red + green + blue) / 3.0",
            ("10.1016/j.rse.2020.111676",)),
    # ---- chlorophyll and red edge ----
    Formula("grvi", "Green ratio vegetation index", "nir / green", ("10.2134/agronj2004.0314",), (0.0, 40.0)),
    Formula("gci", "Green chlorophyll index", "nir / green - 1.0", ("10.1078/0176-1617-00887",), (-1.0, 40.0)),
    Formula("cire", "Red-edge chlorophyll index", "nir / red_edge_1 - 1.0", ("10.1078/0176-1617-00887",), (-1.0, 20.0)),
    Formula("cvi", "Chlorophyll vegetation index", "nir * red / (green * green)", ("10.1007/s11119-010-9204-3",),
            (0.0, 40.0)),
    _difference("ndre", "Normalized difference red-edge index", "nir", "red_edge_1", "10.1016/1011-1344(93)06963-4"),
    _difference("rendvi", "Red-edge NDVI", "red_edge_2", "red_edge_1", "10.1016/S0176-1617(11)81633-0"),
    _difference("ndci", "Normalized difference chlorophyll index (water)", "red_edge_1", "red",
                "10.1016/j.rse.2011.10.016"),
    _difference("seli", "Sentinel-2 LAI green index", "nir_narrow", "red_edge_1", "10.3390/s19040904"),
    Formula("mtci", "MERIS terrestrial chlorophyll index", "(red_edge_2 - red_edge_1) / (red_edge_1 - red)",
            ("10.1080/0143116042000274015",), (-2.0, 20.0)),
    Formula("s2rep", "Sentinel-2 red-edge position",
            "705.0 + 35.0 * ((0.5 * (red_edge_3 + red) - red_edge_1) / (red_edge_2 - red_edge_1))",
            ("10.1016/j.isprsjprs.2013.04.007",), (680.0, 760.0), units="nm"),
    Formula("ireci", "Inverted red-edge chlorophyll index", "(red_edge_3 - red) / (red_edge_1 / red_edge_2)",
            ("10.1016/j.isprsjprs.2013.04.007",), (-1.0, 5.0)),
    Formula("mcari", "Modified chlorophyll absorption ratio index",
            "((red_edge_1 - red) - 0.2 * (red_edge_1 - green)) * (red_edge_1 / red)",
            ("10.1016/S0034-4257(00)00113-9",), (-1.0, 5.0)),
    Formula("tcari", "Transformed chlorophyll absorption ratio index",
            "3.0 * ((red_edge_1 - red) - 0.2 * (red_edge_1 - green) * (red_edge_1 / red))",
            ("10.1016/S0034-4257(02)00018-4",), (-3.0, 5.0)),
    Formula("psri", "Plant senescence reflectance index", "(red - blue) / red_edge_2",
            ("10.1034/j.1399-3054.1999.106119.x",)),
    # ---- water, snow, burnt, bare and built ----
    _difference("ndwi", "Normalized difference water index (open water, McFeeters)", "green", "nir",
                "10.1080/01431169608948714"),
    _difference("mndwi", "Modified normalized difference water index (Xu)", "green", "swir1",
                "10.1080/01431160600589179"),
    _difference("lswi", "Land surface water index (also NDMI, Gao's NDWI)", "nir", "swir1",
                "10.1016/S0034-4257(96)00067-3"),
    _difference("ndsi", "Normalized difference snow index", "green", "swir1", "10.1109/IGARSS.1994.399618"),
    _difference("nbr", "Normalized burn ratio", "nir", "swir2", "10.3133/ofr0211"),
    _difference("nbr2", "Normalized burn ratio 2", "swir1", "swir2",
                "https://www.usgs.gov/landsat-missions/landsat-normalized-burn-ratio-2"),
    _difference("ndbi", "Normalized difference built-up index", "swir1", "nir", "10.1080/01431160304987"),
    Formula("bsi", "Bare soil index", "((swir1 + red) - (nir + blue)) / ((swir1 + red) + (nir + blue))",
            ("http://citeseerx.ist.psu.edu/viewdoc/download?doi=10.1.1.465.8749",)),
    Formula("msi", "Moisture stress index", "swir1 / nir", ("10.1016/0034-4257(89)90046-1",), (0.0, 5.0)),
    Formula("nmdi", "Normalized multi-band drought index", "(nir - (swir1 - swir2)) / (nir + (swir1 - swir2))",
            ("10.1029/2007GL031021",)),
)  # fmt: skip
