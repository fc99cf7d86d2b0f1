"""The table of analyses; a new one is one row of its part's ROWS, or of its PROBES where it runs the model itself."""

from headscope.interp.analysis import Analysis, Probe
from headscope.interp.attribution.probes import PROBES as PATCHING
from headscope.interp.attribution.rows import ROWS as ATTRIBUTION
from headscope.interp.circuits.rows import ROWS as CIRCUITS
from headscope.interp.collapse.probes import PROBES as GROWING
from headscope.interp.collapse.rows import ROWS as COLLAPSE
from headscope.interp.collapse.tokens.rows import ROWS as TOKENS
from headscope.interp.deletion.rows import ROWS as DELETION
from headscope.interp.detectors.rows import ROWS as DETECTORS
from headscope.interp.geometry.rows import ROWS as GEOMETRY
from headscope.interp.heads.patterns import ROWS as PATTERNS
from headscope.interp.interventions.rows import PROBES as INTERVENTIONS
from headscope.interp.mechanisms.rows import PROBES as MECHANISMS
from headscope.interp.rows.probes import PROBES as ROW_STATISTICS
from headscope.interp.score.rows import PROBES as SCORES
from headscope.interp.trajectories.rows import PROBES as TRAJECTORIES

PARTS: tuple[tuple[Analysis | Probe, ...], ...] = (
    PATTERNS,
    DELETION,
    INTERVENTIONS,
    MECHANISMS,
    ROW_STATISTICS,
    DETECTORS,
    CIRCUITS,
    GROWING,
    COLLAPSE,
    TOKENS,
    GEOMETRY,
    SCORES,
    ATTRIBUTION,
    PATCHING,
    TRAJECTORIES,
)

ANALYSES: dict[str, Analysis | Probe] = {row.name: row for part in PARTS for row in part}
