"""transformer-lens, imported without the libraries that its hooks have no use for: datasets, pandas, pyarrow, pytest.

They make an import of it four times as long. Whoever calls transformer-lens's own functions on data sets loads them.
"""

from headscope.models.io.unloaded import unloaded

SELDOM = {
    "pandas": ("DataFrame",),
    "datasets": ("load_dataset",),
    "datasets.arrow_dataset": ("Dataset",),
    "datasets.iterable_dataset": ("IterableDataset",),
    "datasets.load": ("load_dataset",),
}

with unloaded(SELDOM, absent=["pytest"]):
    from transformer_lens.hook_points import HookPoint
    from transformer_lens.model_bridge.generalized_components.base import GeneralizedComponent

__all__ = ["GeneralizedComponent", "HookPoint"]
