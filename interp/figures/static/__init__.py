"""Static: plotly figures as SVG, drawn by matplotlib, for where no script runs: exported HTML, a repository's page."""
