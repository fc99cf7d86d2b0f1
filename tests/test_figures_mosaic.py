"""The mosaic of many images: rows as full as they can be, each image whole and in its place."""

import numpy as np
import pytest

from headscope.interp.figures.vision.images import ACROSS, GAP, image_mosaic


@pytest.mark.parametrize("count", [1, ACROSS, ACROSS + 1, 2 * ACROSS + 3])
def test_a_mosaic_has_as_many_rows_as_its_images_fill(count: int) -> None:
    images = np.arange(count * 6, dtype=np.float32).reshape(count, 2, 3)
    cells, owner = image_mosaic(images)
    rows, columns = -(-count // ACROSS), min(count, ACROSS)
    assert cells.shape == (rows * (2 + GAP) - GAP, columns * (3 + GAP) - GAP)
    assert all(np.array_equal(cells[owner == number], images[number].ravel()) for number in range(count))
    assert np.isnan(cells[owner == -1]).all()
