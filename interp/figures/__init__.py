"""Figures: a result in, a plotly figure out. Nothing is computed here but what is needed to draw."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headscope.interp.figures.portable import PortableFigure
    from headscope.interp.result import Result

# Name of a result's class -> "module:function" that draws it; imported when it is first drawn.
FIGURES: dict[str, str] = {
    "HeadScore": "heads:head_score_figure",
    "SimilarHeads": "heads:head_score_figure",
    "Copying": "circuits:copying_figure",
    "DiagonalRanks": "circuits:diagonal_figure",
    "QKSpectrum": "circuits:spectrum_figure",
    "Composition": "circuits:composition_figure",
    "TopTokens": "circuits:top_tokens_figure",
    "Quadrants": "quadrants:quadrants_figure",
    "DecisionPlane": "decision_plane:decision_plane_figure",
    "NegativeMass": "deletion:negative_mass_figure",
    "Contributions": "deletion:contributions_figure",
    "Patterns": "patterns:patterns_figure",
    "HeadPattern": "head_pattern:head_pattern_figure",
    "HeadContributions": "head_deletion:head_contributions_figure",
    "AttentionContribution": "deletion:attention_contribution_figure",
    "InterventionEffect": "interventions:intervention_figure",
    "InterventionSweep": "interventions:sweep_figure",
    "PathPatching": "interventions:path_patching_figure",
    "SuppressionEffect": "interventions:suppression_effect_figure",
    "DetectorScores": "detectors:detectors_figure",
    "PromptCopying": "detectors:prompt_copying_figure",
    "DirectAttribution": "attribution:direct_attribution_figure",
    "SourceAttribution": "attribution:source_attribution_figure",
    "LogitLens": "attribution:logit_lens_figure",
    "Patching": "attribution:patching_figure",
    "Trajectory": "trajectories:trajectory_figure",
    "Angles": "geometry:angles_figure",
    "JointEmbedding": "geometry:joint_embedding_figure",
    "Temperatures": "geometry:temperatures_figure",
    "HeadRows": "row_statistics:head_rows_figure",
    "RowCurves": "row_statistics:row_curves_figure",
    "CollapseCurves": "collapse:collapse_figure",
    "CollapseComparison": "collapse:collapse_comparison_figure",
    "Squashing": "collapse:squashing_figure",
    "PathBound": "collapse:path_bound_figure",
    "PathCancellation": "collapse:path_cancellation_figure",
    "ResidualGeometry": "residual:residual_geometry_figure",
    "ResidualNorms": "residual:residual_norms_figure",
    "MassiveActivations": "residual:massive_activations_figure",
    "Sinks": "residual:sinks_figure",
    "PatchAttention": "patch_attention:patch_attention_figure",
    "CollapseByTimestep": "timesteps:collapse_by_timestep_figure",
    "SubtractedByTimestep": "timesteps:subtracted_by_timestep_figure",
    "ImageGrid": "images:image_grid_figure",
    "ArmNumbers": "experiments:arm_numbers_figure",
    "ArmCurves": "experiments:arm_curves_figure",
    "ArmGrid": "experiments:arm_grid_figure",
    "ArmPoints": "arm_points:arm_points_figure",
}


def figure_of(result: "Result") -> "PortableFigure":
    """The figure of a result. Raises ValueError for a kind of result that has none."""
    place = FIGURES.get(type(result).__name__)
    if place is None:
        raise ValueError(f"no figure is known for a {type(result).__name__}; known: {', '.join(FIGURES)}")
    module, function = place.split(":")
    return getattr(import_module(f"headscope.interp.figures.{module}"), function)(result)
