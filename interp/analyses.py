"""The table of analyses; a new one is one row of its part's ROWS, or of its PROBES where it runs the model itself."""

from interp.analysis import Analysis, Probe
from interp.attribution.probes import PROBES as PATCHING
from interp.attribution.rows import ROWS as ATTRIBUTION
from interp.circuits.rows import ROWS as CIRCUITS
from interp.collapse.probes import PROBES as GROWING
from interp.collapse.rows import ROWS as COLLAPSE
from interp.deletion.rows import ROWS as DELETION
from interp.detectors.rows import ROWS as DETECTORS
from interp.geometry.rows import ROWS as GEOMETRY
from interp.interventions.rows import PROBES as INTERVENTIONS
from interp.patterns import ROWS as PATTERNS
from interp.rows.probes import PROBES as ROW_STATISTICS
from interp.trajectories.rows import PROBES as TRAJECTORIES

PARTS: tuple[tuple[Analysis | Probe, ...], ...] = (
    PATTERNS,
    DELETION,
    INTERVENTIONS,
    ROW_STATISTICS,
    DETECTORS,
    CIRCUITS,
    GROWING,
    COLLAPSE,
    GEOMETRY,
    ATTRIBUTION,
    PATCHING,
    TRAJECTORIES,
)

ANALYSES: dict[str, Analysis | Probe] = {row.name: row for part in PARTS for row in part}
