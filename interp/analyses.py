"""The table of analyses that read one prompt or the weights alone; a new one is one row of its part's ROWS."""

from interp.analysis import Analysis
from interp.attribution.rows import ROWS as ATTRIBUTION
from interp.circuits.rows import ROWS as CIRCUITS
from interp.collapse.rows import ROWS as COLLAPSE
from interp.deletion.rows import ROWS as DELETION
from interp.detectors.rows import ROWS as DETECTORS
from interp.geometry.rows import ROWS as GEOMETRY
from interp.rows.table_rows import ROWS as ROW_STATISTICS

PARTS = (DELETION, ROW_STATISTICS, DETECTORS, CIRCUITS, COLLAPSE, GEOMETRY, ATTRIBUTION)

ANALYSES: dict[str, Analysis] = {row.name: row for part in PARTS for row in part}
