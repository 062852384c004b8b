"""The package is one chain: a module imports only from modules above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import percolyte

ROOT = Path(percolyte.__file__).parent

ORDER = [
    "errors",
    "nouns",
    "units",
    "sources",
    "files",
    "materials.open_circuit",
    "materials.substance",
    "materials.temperature",
    "materials.library",
    "electrode",
    "numerics.packing",
    "numerics.rendering",
    "microstructure.memory",
    "microstructure.volume",
    "microstructure.distances",
    "microstructure.densification",
    "microstructure.powders",
    "microstructure.shapes",
    "microstructure.spheres",
    "microstructure.scene",
    "microstructure.pressing",
    "microstructure.aggregates",
    "microstructure.additions",
    "microstructure.pack",
    "microstructure.edit",
    "microstructure.image",
    "microstructure.record",
    "microstructure.packed",
    "microstructure.tiff",
    "microstructure.files",
    "microstructure.segment",
    "microstructure.clusters",
    "microstructure.pairs",
    "microstructure.particles",
    "microstructure.sizes",
    "microstructure.interfaces",
    "microstructure.networks",
    "microstructure.imported",
    "microstructure.measure",
    "microstructure.slab_particles",
    "microstructure.slabs",
    "numerics.grid",
    "numerics.blocks",
    "numerics.links",
    "numerics.kinds",
    "numerics.aggregation",
    "numerics.fields",
    "numerics.bounds",
    "numerics.slabs",
    "numerics.sweeps",
    "numerics.descent",
    "numerics.conduction",
    "numerics.device",
    "transport.closures",
    "transport.effective",
    "transport.conduction",
    "transport.voxel_image",
    "transport.voxels",
    "transport.random_walk",
    "transport.composite_volume",
    "transport.microstructure",
    "transport.surrogate",
    "transport.reaction_zone",
    "impedance.measurement",
    "impedance.readers.contents",
    "impedance.readers.headings",
    "impedance.readers.spectra",
    "impedance.readers.delimited",
    "impedance.readers.polarisation",
    "impedance.readers.autolab",
    "impedance.readers.biologic",
    "impedance.readers.eclab",
    "impedance.readers.gamry",
    "impedance.readers.i2b",
    "impedance.readers.ivium",
    "impedance.readers.palmsens",
    "impedance.readers.versastudio",
    "impedance.readers.workbook",
    "impedance.readers.zview",
    "impedance.readers.reading",
    "numerics.regularisation",
    "impedance.kramers_kronig",
    "impedance.step",
    "impedance.validity",
    "impedance.drift",
    "impedance.relaxations",
    "impedance.drt",
    "impedance.model",
    "numerics.hyperbolic",
    "impedance.branch",
    "impedance.elements",
    "impedance.tlm",
    "impedance.circuit",
    "impedance.cells",
    "impedance.polarisation",
    "impedance.contact",
    "impedance.tortuosity",
    "numerics.least_squares",
    "impedance.misfit",
    "impedance.start",
    "impedance.identifiability",
    "impedance.estimates",
    "impedance.fit",
    "impedance.conductivity",
    "impedance.composite",
    "impedance.transient",
    "impedance.comparison",
    "impedance.interfaces",
    "impedance.transference",
    "impedance.leakage",
    "numerics.ensemble",
    "impedance.posterior",
    "impedance.choice",
    "impedance.series",
    "impedance.conditions",
    "impedance.samples",
    "impedance.batch",
    "impedance.thermal",
    "impedance.trends",
    "separator",
    "pouch.convention",
    "pouch.stack",
    "pouch.energy",
    "pouch.cost",
    "pouch.lifetime",
    "pouch.vehicle",
    "design",
    "lookup",
    "resolution",
    "layer_microstructure",
    "layer_transport",
    "cell.control",
    "cell.porous",
    "cell.reaction",
    "cell.bdf",
    "cell.diffusion",
    "cell.charge_balance",
    "cell.losses",
    "cell.time_step",
    "cell.limits",
    "cell.kernel",
    "cell.salt",
    "cell.salt_balance",
    "cell.salt_voltage",
    "cell.salt_kernel",
    "cell.protocol",
    "cell.electrolyte",
    "cell.model",
    "cell.curves",
    "cell.build",
    "cell.simulation",
    "cell.runner",
    "cell.run",
    "cell.heat",
    "cell.measured",
    "cell.fit",
    "cell.polarisation",
    "cell.spectrum",
    "cell.thermal",
    "cell.rate",
    "cell.circuit",
    "interchange.curves",
    "interchange.table",
    "interchange.expression",
    "interchange.pybamm",
    "interchange.bpx_fields",
    "interchange.bpx_electrodes",
    "interchange.bpx",
    "interchange.cycler",
    "check",
    "transport_checks",
    "checks",
    "evaluation",
    "explore.vary",
    "cell.thick",
    "explore.solve",
    "explore.sensitivity",
    "explore.map",
    "literature",
    "examples",
    "recipe_calculator",
    "report.layout",
    "report.cells",
    "report.columns",
    "report.conduction",
    "report.tables",
    "report.transport_text",
    "report.figures",
    "report.transport_figures",
    "report.cell_figures",
    "report.impedance_figures",
    "report.measures",
    "report.measured_impedance",
    "report.rays",
    "report.volumes",
    "report.impedance_checks",
    "report.impedance_fits",
    "report.fit_figures",
    "report.polarisation",
    "report.contacts",
    "report.polarisation_figures",
    "report.impedance_batch",
    "report.batch_figures",
    "report.batch_page",
    "report.html",
    "commands.shared",
    "commands.pouch",
    "commands.cell",
    "commands.thick",
    "commands.tools",
    "commands.materials",
    "commands.microstructure",
    "commands.packing",
    "commands.conduction",
    "commands.impedance",
    "commands.impedance_fit",
    "commands.impedance_batch",
    "commands.polarisation",
    "cli",
    "__main__",
]
"""From the top of the chain to its end; a new module takes its place here."""


def modules() -> dict[str, Path]:
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.rglob("*.py")}
    return {name: path for path, name in names.items() if name.split(".")[-1] != "__init__"}


def imports(node: ast.AST) -> Iterator[str]:
    """Modules of percolyte that the code imports anywhere, but for those that only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield from imports(other)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports name the whole path"
            yield from _imported(child)
        elif isinstance(child, ast.Import):
            yield from (
                alias.name.removeprefix("percolyte.") for alias in child.names if alias.name.startswith("percolyte.")
            )
        else:
            yield from imports(child)


def _imported(node: ast.ImportFrom) -> Iterator[str]:
    source = node.module or ""
    if source.split(".")[0] != "percolyte":
        return
    inner = source.removeprefix("percolyte").removeprefix(".")
    for alias in node.names:
        path = f"{inner}.{alias.name}".removeprefix(".")
        yield path if path in modules() else inner


def test_every_module_has_its_place_in_the_order() -> None:
    assert set(modules()) <= set(ORDER)
    assert len(ORDER) == len(set(ORDER))


def test_a_module_imports_only_from_modules_above_it() -> None:
    wrong = [
        f"{name} imports {other}"
        for name, path in modules().items()
        for other in imports(ast.parse(path.read_text(encoding="utf-8")))
        if other and other in ORDER and name in ORDER and ORDER.index(other) >= ORDER.index(name)
    ]
    assert not wrong


def test_the_walk_sees_imports_inside_functions_and_not_those_for_types() -> None:
    code = """
from percolyte import units
if TYPE_CHECKING:
    from percolyte.evaluation import Evaluation
def f():
    from percolyte.errors import InputError
    import percolyte.files
"""
    assert list(imports(ast.parse(code))) == ["units", "errors", "files"]


def test_packages_themselves_hold_no_code() -> None:
    for path in ROOT.rglob("__init__.py"):
        if path.parent != ROOT:
            (docstring,) = ast.parse(path.read_text(encoding="utf-8")).body
            assert isinstance(docstring, ast.Expr)


def test_nothing_is_printed_or_evaluated() -> None:
    """Text of a user is data: nothing in the package evaluates or executes code."""
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec", "print", "__import__"}, name
