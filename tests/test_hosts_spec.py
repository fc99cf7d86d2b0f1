"""AttentionSpec: JSON both ways, layers, and what it refuses."""

import json
from typing import Any

import pytest
from tiny_decoders import SPECS

from headscope import AttentionSpec
from headscope.models.hosts.spec import mixed


@pytest.mark.parametrize("name", SPECS)
def test_json_both_ways(name: str) -> None:
    assert AttentionSpec.from_json(json.loads(json.dumps(SPECS[name].to_json()))) == SPECS[name]


def test_defaults_are_filled_in() -> None:
    assert AttentionSpec("expressive").options == {"scale": 1.0}


@pytest.mark.parametrize(
    ("layers", "chosen"), [("all", (0, 1, 2, 3)), ("inner", (1, 2)), ([0, -1], (0, 3)), ((2, -2), (2,))]
)
def test_layers_are_counted_from_either_end(layers: Any, chosen: tuple[int, ...]) -> None:
    assert AttentionSpec("cog", layers=layers).chosen(4) == chosen


MIX = mixed([AttentionSpec("cog", layers=[0]), AttentionSpec("sink", layers=[-1], gate="head", learned=False)])


def test_a_mix_gives_each_layer_its_own() -> None:
    assert AttentionSpec.from_json(json.loads(json.dumps(MIX.to_json()))) == MIX and hash(MIX) == hash(MIX)
    assert {layer: part.variant for layer, part in MIX.by_layer(3).items()} == {0: "cog", 2: "sink"}
    assert mixed([MIX, AttentionSpec("expressive", layers=[1])]).by_layer(3)[1].variant == "expressive"
    with pytest.raises(ValueError, match="layer 0 is to carry cog and sink; give every layer to one spec of a mix"):
        MIX.by_layer(1)
    with pytest.raises(ValueError, match="each of other layers; got none"):
        mixed([])


REFUSED: dict[str, dict[str, Any]] = {
    "unknown attention 'sofmax'": {"variant": "sofmax"},
    "cog: unknown option 'power'; known: none": {"variant": "cog", "options": {"power": 3}},
    "unknown field 'colour'; known: variant, layers, options, gate, beside": {"variant": "cog", "colour": 1},
    "the field variant is missing": {"layers": "all", "options": {}},
    "the field layers is missing": {"variant": "cog", "options": {}},
    "the field options is missing": {"variant": "cog", "layers": "all"},
    "unknown option 'options'; known: power, coefficient, n_ctx, learned; options are given as keywords": {
        "variant": "polynomial",
        "options": {"options": {"power": 3}},
    },
    "cog: unknown option 'layers'": {"variant": "cog", "options": {"layers": "inner"}},
    "variant is a name, got \\['cog'\\]": {"variant": ["cog"]},
    "finite number above 0, got inf": {"variant": "expressive", "options": {"scale": float("inf")}},
    "finite number above 0, got 1000": {"variant": "expressive", "options": {"scale": 10**400}},
    "'per_row', got nan": {"variant": "polynomial", "options": {"coefficient": float("nan")}},
    "'per_row', got True": {"variant": "polynomial", "options": {"coefficient": True}},
    "n_ctx is a whole number from 1, got True": {"variant": "polynomial", "options": {"n_ctx": True}},
    "layers is 'all', 'inner' or a list of layer numbers, got 'outer'": {"variant": "cog", "layers": "outer"},
    "layer numbers, got \\[\\]": {"variant": "cog", "layers": []},
    "layer numbers, got \\[True\\]": {"variant": "cog", "layers": [True]},
    "options is an object, got 3": {"variant": "cog", "options": 3},
    "power is a whole number from 1 to 16777216, got 2.5": {"variant": "polynomial", "options": {"power": 2.5}},
    "n_ctx is a whole number from 1, got 0": {"variant": "polynomial", "options": {"n_ctx": 0}},
    "'per_row', got 'often'": {"variant": "polynomial", "options": {"coefficient": "often"}},
    "learned is true or false": {"variant": "polynomial", "options": {"learned": 1}},
    "scale is a finite number above 0, got -1": {"variant": "expressive", "options": {"scale": -1}},
    "unknown position 'middle'; known: paper, paper_code, none": {
        "variant": "selective",
        "options": {"position": "middle"},
    },
    "token is true or false, got 1": {"variant": "selective", "options": {"token": 1}},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_stored_spec_that_makes_no_sense_is_refused(sentence: str) -> None:
    whole = {} if "is missing" in sentence else {"layers": "all", "options": {}}
    with pytest.raises(ValueError, match=sentence):
        AttentionSpec.from_json({**whole, **REFUSED[sentence]})


def test_a_model_without_inner_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="inner layers asked for, all but the first and the last; the model has 2"):
        AttentionSpec("cog", layers="inner").chosen(2)
