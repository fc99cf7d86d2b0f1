"""Size: what the cost of an analysis depends on, and the cost of the steps that analyses are made of."""

from dataclasses import dataclass

from headscope.interp.reading.model_facts import ModelFacts

# Costs are multiply-adds of one large product; what runs slower counts for more of them. Measured on a CPU.
FEWEST = 64  # tokens: a pass over fewer takes as long, as all weights are read
LOOK = 32  # one look at every number of a large tensor, which waits for memory
EIGEN = 30  # times k³: the eigenvalues or singular values of a k × k matrix
OPENING = 20 * FEWEST  # tokens of a pass that takes as long as opening the model


@dataclass(frozen=True)
class Size:
    """The model's facts, the number of tokens (or patches) of each prompt, and how many snapshots a run has."""

    facts: ModelFacts
    lengths: tuple[int, ...]
    snapshots: int = 0

    @property
    def tokens(self) -> int:
        """Of all prompts."""
        return sum(self.lengths)

    @property
    def layers(self) -> int:
        """How many there are."""
        return len(self.facts.layer_variants)

    @property
    def heads(self) -> int:
        """Of all layers."""
        return len(self.facts.head_layers) * self.facts.heads

    @property
    def d_head(self) -> int:
        """As most models have it."""
        return self.facts.d_model // self.facts.heads

    @property
    def vocabulary_squared(self) -> int:
        """The product of W_U with W_E or with itself over the vocabulary, after its mean is taken off."""
        return self.facts.vocabulary * self.facts.d_model * (self.facts.d_model + LOOK)

    def passes(self, tokens: int, length: int = 1) -> int:
        """Forward passes over so many tokens in all, in prompts of a length, whose tokens attention compares."""
        linear, attention = self.facts.parameters, 2 * self.layers * self.facts.d_model * length
        return tokens * (linear + attention)

    def pass_over_prompts(self) -> int:
        """The one pass that all analyses of the prompts share."""
        return sum(self.passes(max(length, FEWEST), length) for length in self.lengths)

    def passes_over_prompts(self, times: int) -> int:
        """Passes of an analysis' own over the prompts, so many."""
        return sum(times * self.passes(length, length) for length in self.lengths)

    def passes_by_head(self, times: int) -> int:
        """Every head's own run over the prompts, so many times; those of a layer share a pass."""
        return sum(times * self.heads * self.passes(length, length) for length in self.lengths)

    def passes_from(self, layer: int, tokens: int, length: int = 1) -> int:
        """The same, begun at a layer: what comes before it is spared, the head that makes the answers is not."""
        whole, head = self.passes(tokens, length), tokens * self.facts.d_model * self.facts.vocabulary
        return whole - (whole - head) * layer // self.layers

    def passes_by_head_from(self, layer: int, times: int) -> int:
        """Every run of a layer's heads over the prompts, so many times, begun at the layer."""
        return sum(times * self.facts.heads * self.passes_from(layer, length, length) for length in self.lengths)


def nothing_more(size: Size) -> int:
    """The cost of what reads the pass that all share, or looks at small matrices."""
    return 0
