"""Student's t: its quantiles are those of the tables."""

import pytest

from headscope.interp.arms.student import student_quantile

TABLE = {1: 6.313752, 2: 2.919986, 3: 2.353363, 4: 2.131847, 5: 2.015048, 9: 1.833113, 10: 1.812461, 30: 1.697261}


@pytest.mark.parametrize("freedom", TABLE)
def test_a_quantile_is_that_of_the_tables_on_both_sides(freedom: int) -> None:
    assert student_quantile(0.95, freedom) == pytest.approx(TABLE[freedom], abs=1e-6)
    assert student_quantile(0.05, freedom) == pytest.approx(-TABLE[freedom], abs=1e-6)


@pytest.mark.parametrize(("probability", "freedom"), [(1.0, 2), (0.0, 2), (0.5, 0)])
def test_no_quantile_is_made_up(probability: float, freedom: int) -> None:
    with pytest.raises(ValueError, match="takes 0 < probability < 1 and freedom ≥ 1; got"):
        student_quantile(probability, freedom)
