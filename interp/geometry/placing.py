"""Placing: points of many dimensions in a few, by principal axes, t-SNE or UMAP; the same points, the same places."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

Place = Callable[[Tensor, int], Tensor]


def principal_axes(points: Float[Tensor, "point feature"], dims: int) -> Float[Tensor, "point dim"]:
    """Coordinates along the axes of the largest second moment about the origin (a singular value decomposition)."""
    u, sizes, _ = torch.linalg.svd(points.double(), full_matrices=False)
    return (u[:, :dims] * sizes[:dims]).to(points.dtype)


def t_sne(points: Float[Tensor, "point feature"], dims: int) -> Float[Tensor, "point dim"]:
    """scikit-learn's t-SNE from principal axes, perplexity 30 or a third of the points."""
    kind = imported("sklearn.manifold", "scikit-learn", "'headscope[tsne]'").TSNE
    fit = kind(dims, perplexity=min(30.0, (len(points) - 1) / 3), init="pca", random_state=0)
    return torch.from_numpy(fit.fit_transform(points.float().numpy())).to(points.dtype)


def u_map(points: Float[Tensor, "point feature"], dims: int) -> Float[Tensor, "point dim"]:
    """umap-learn's UMAP with a fixed seed, of 15 neighbours or all others."""
    kind = imported("umap", "umap-learn", "umap-learn").UMAP
    fit = kind(n_components=dims, n_neighbors=min(15, len(points) - 1), random_state=0)
    return torch.from_numpy(fit.fit_transform(points.float().numpy())).to(points.dtype)


METHODS: dict[str, Place] = {"pca": principal_axes, "tsne": t_sne, "umap": u_map}


def imported(module: str, package: str, wanted: str) -> Any:
    """An optional module. wanted: what pip installs it by. Raises ValueError where it is not installed."""
    try:
        return import_module(module)
    except ImportError as missing:
        raise ValueError(
            f"this embedding needs {package}, which is not installed; 'pca' needs nothing, or: pip install {wanted}"
        ) from missing


def signed_by(
    coordinates: Float[Tensor, "point dim"], leaders: Float[Tensor, "leader dim"]
) -> Float[Tensor, "point dim"]:
    """Each axis turned so that the leader farthest out on it is on the positive side."""
    farthest = leaders.gather(0, leaders.abs().argmax(0, keepdim=True))
    return coordinates * torch.where(farthest < 0, -1.0, 1.0).to(coordinates.dtype)


def explained_by(
    points: Float[Tensor, "point feature"], coordinates: Float[Tensor, "point dim"]
) -> Float[Tensor, "dim"]:
    """The part of the points' squared norm that each axis holds."""
    return coordinates.square().sum(0) / points.square().sum()


def squared_features(points: Float[Tensor, "point d"]) -> Float[Tensor, "point feature"]:
    """x xᵀ of every point, less their mean, as its d(d+1)/2 different entries; ⟨x xᵀ, y yᵀ⟩ = (x·y)², ±x are one."""
    row, column = torch.triu_indices(points.shape[1], points.shape[1])
    twice = torch.where(row == column, 1, 2).to(points.dtype).sqrt()
    outer = points[:, row] * points[:, column] * twice
    return outer - outer.mean(0)
