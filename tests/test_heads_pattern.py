"""The pattern of one head: a head that the model does not have is refused, whichever way it misses."""

from typing import Any

import pytest
from tiny_models import hooked_tiny

from headscope.interp.asking.analyse import asked_of
from headscope.interp.asking.choices import Choices
from headscope.interp.heads.attention_run import attention_run
from headscope.interp.heads.head_pattern import head_pattern


@pytest.mark.parametrize(("layer", "head"), [(0, -1), (0, 2), (0, 9), (-1, 0), (3, 0)])
def test_a_head_that_is_not_there_is_refused_with_those_that_are(layer: int, head: int) -> None:
    model: Any = hooked_tiny("cog")
    asked = asked_of(model, ["return x"], Choices(), prepend_bos=False)
    run = attention_run(model, asked.prompts[0])
    with pytest.raises(ValueError, match=rf"L{layer}H{head} was asked for; heads 0 to 1 are in the layers 0, 1, 2"):
        head_pattern(run, asked.setting.facts, layer, head)
