"""What stands out among heads: hand-made heads are named for what they do, and heads of chance are not."""

from collections.abc import Callable

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from headscope.interp.asking.head_jobs import (
    CHANCE,
    DELETION,
    NEGATIVE,
    HeadJob,
    copying_jobs,
    jobs_of_layers,
    known_places,
    layer_jobs,
    stands_out,
)
from headscope.interp.asking.head_sentences import MOST, head_labels, head_sentences
from headscope.interp.detectors.copying import COPYING as ABOUT_COPYING
from headscope.interp.detectors.copying import PromptCopying
from headscope.interp.detectors.targets import duplicate_token, induction, previous_token
from headscope.interp.reading.prompt_tokens import PromptTokens

IDS = torch.tensor([*range(10), *range(10), *range(10)])
COUNT = len(IDS)
SEEN = torch.ones(COUNT, COUNT, dtype=torch.bool).tril()
TOKENS = PromptTokens(tuple(IDS.tolist()), tuple(map(str, IDS.tolist())))
PLACES = known_places(TOKENS, COUNT)


def noise(heads: int, sharpness: float, seed: int) -> Float[Tensor, "head query key"]:
    """Softmax heads whose scores know nothing of any place."""
    scores = sharpness * torch.randn(heads, COUNT, COUNT, generator=torch.Generator().manual_seed(seed))
    return scores.masked_fill(~SEEN, -torch.inf).softmax(-1)


def signed_noise(heads: int, seed: int) -> Float[Tensor, "head query key"]:
    """The same with signs by chance."""
    signs = torch.rand(heads, COUNT, COUNT, generator=torch.Generator().manual_seed(seed + 1)) < 0.5
    return noise(heads, 1.0, seed) * (1 - 2.0 * signs)


def on(cells: Tensor) -> Float[Tensor, "query key"]:
    """A head with all of its weight on some cells, and on itself where there are none."""
    rows = cells.float() + torch.eye(COUNT) * ~cells.any(-1, keepdim=True)
    return rows / rows.sum(-1, keepdim=True)


def jobs_of(*heads: Float[Tensor, "query key"], seed: int = 0) -> list[HeadJob]:
    """Of one layer of these heads, and one of noise."""
    layers = [torch.stack(heads), noise(len(heads), 1.0, seed)]
    return jobs_of_layers([layer_jobs(layer, SEEN, PLACES) for layer in layers], len(heads))


@pytest.mark.parametrize(
    ("cells", "label", "words"),
    [
        (previous_token, "prev", "L0H1 looks at the previous token (100 %, by chance "),
        (induction, "induction", "L0H1 looks at what followed the token before"),
        (duplicate_token, "duplicate", "L0H1 looks at earlier copies of the token"),
        (lambda ids: torch.eye(COUNT, dtype=torch.bool)[0].expand(COUNT, -1), "sink", "L0H1 rests on the first token"),
    ],
)
def test_a_head_made_for_a_job_is_named_for_it(cells: Callable[..., Tensor], label: str, words: str) -> None:
    jobs = jobs_of(noise(1, 1.0, 5)[0], on(cells(IDS)))
    assert head_labels(jobs) == [["", label], ["", ""]]
    [sentence] = head_sentences(jobs)
    assert sentence.whole.startswith(words) and (sentence.layer, sentence.head) == (0, 1)
    assert sentence.value > sentence.null + 3 * sentence.spread


def test_heads_of_chance_have_no_sentence_however_many_there_are() -> None:
    layers = [layer_jobs(noise(48, sharpness, seed), SEEN, PLACES) for seed, sharpness in enumerate((0.0, 1.0, 8.0))]
    layers.append(layer_jobs(signed_noise(48, 9), SEEN, PLACES))
    assert head_sentences(jobs_of_layers(layers, 48)) == []


@pytest.mark.parametrize("sharpness", [1.0, 3.0, 30.0], ids=["even", "sharp", "one key a row"])
def test_of_models_of_chance_no_more_are_spoken_of_than_is_said(sharpness: float) -> None:
    models, heads = 300, 12
    fields = layer_jobs(noise(heads * models, sharpness, 0), SEEN, PLACES)
    split = {name: {field: x.view(models, heads) for field, x in job.items()} for name, job in fields.items()}
    of_models = (
        [HeadJob(name, **{field: x[at][None] for field, x in job.items()}) for name, job in split.items()]
        for at in range(models)
    )
    spoken = sum(any(bool(doing.any()) for doing in stands_out(jobs).values()) for jobs in of_models)
    assert spoken <= 3 * CHANCE * models


def test_more_heads_ask_more_of_each() -> None:
    def job(heads: int) -> HeadJob:
        value = torch.full((1, heads), 0.1)
        value[0, 0] = 0.5
        return HeadJob(NEGATIVE, value, *(torch.full((1, heads), at) for at in (0.1, 0.1, 1e9)))

    assert bool(stands_out([job(3)])[NEGATIVE][0, 0])
    assert not bool(stands_out([job(1000)])[NEGATIVE][0, 0])


def test_a_head_that_subtracts_with_its_large_weights_says_so() -> None:
    head = noise(1, 2.0, 3)[0]
    middle = head.masked_fill(~SEEN, torch.nan).nanmedian(-1, keepdim=True).values
    jobs = jobs_of(head, torch.where(head > middle, -head, head))
    [sentence] = head_sentences(jobs)
    assert sentence.whole.startswith("L0H1 takes") and "the most of all heads" in sentence.whole
    assert sentence.statistic == NEGATIVE and 0.5 < sentence.value < 1


def test_a_head_far_below_its_null_does_nothing_that_is_said() -> None:
    jobs = jobs_of(on(~(previous_token(IDS) | ~SEEN)))
    assert all("previous" not in sentence.whole for sentence in head_sentences(jobs))


def test_what_a_head_does_to_logits_is_said_of_the_one_that_does_it_most() -> None:
    number = torch.tensor([[0.1, 0.9, 0.6]])
    null, spread = torch.full_like(number, 0.1), torch.full_like(number, 0.02)
    record = PromptCopying(null, null, spread, number, null, spread, about=ABOUT_COPYING)
    [sentence] = head_sentences(copying_jobs(record))
    assert sentence.statistic == DELETION
    assert sentence.whole == "L0H1 deletes what it reads (0.90 σ of the logits, by chance 0.10)"
    assert sentence.others == 1


def test_a_page_has_so_many_sentences_and_no_more() -> None:
    jobs = [
        HeadJob(name, *(torch.full((1, 2), at) for at in (0.9, 0.1, 0.01, 1e9)))
        for name in (*PLACES, NEGATIVE, DELETION, "copying")
    ]
    assert len(jobs) > MOST and len(head_sentences(jobs)) == MOST


def test_a_layer_without_heads_and_numbers_that_are_none_are_passed_over() -> None:
    jobs = jobs_of_layers([{}, layer_jobs(on(previous_token(IDS))[None], SEEN, PLACES)], 1)
    assert head_labels(jobs) == [[""], ["prev"]]
