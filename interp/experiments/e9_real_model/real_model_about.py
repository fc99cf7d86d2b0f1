"""What the results of E9 say of themselves."""

from headscope.interp.collapse.curves import ABOUT as COLLAPSE
from headscope.interp.results.about import About

ABOVE = "less the mean of its null on the same passage"
BEST = About(
    title="What the best head of each kind does, above chance",
    unit="share of attention",
    law=f"mean over rows of b on the cells of the kind, {ABOVE}; the head that is best on the other seeds' passages",
    source="Olsson et al. 2022, Gu et al. 2024",
    null="each row's keys shuffled; of the first token: equal weights",
    plain="How much of its attention the best head of a kind gives to what it is named for. Of the first token: how "
    "much the mean of all heads rests there.",
)
COPIED = About(
    title="Copying and suppression by the best heads, above chance",
    unit="standard deviations over the vocabulary",
    law=f"Σ max(e, 0)/Σ |A|σ and Σ max(−e, 0)/Σ |A|σ, {ABOVE}; the head that is the best on the other seeds' passages",
    source="headscope; Elhage et al. 2021, McDougall et al. 2023",
    null="the token of each source drawn anew among the prompt's",
    plain="How far the best head raises, or lowers, the logits of the tokens that it attends to.",
)
BEYOND = About(
    title="How many heads are beyond chance",
    unit="share of heads",
    law="heads more than three spreads of the null above it; of the first token: whose share is above .3 (Sink^ε)",
    source="headscope; Gu et al. 2024",
    null="about one head in 740",
    plain="How common each kind is among all heads, whatever the size of what they do.",
)
HEADS_ABOVE = About(
    title="What every head does, above chance",
    unit="share of attention; of copying and suppression standard deviations over the vocabulary",
    law=f"the number of each kind {ABOVE}, mean over the seeds",
    source=BEST.source,
    plain="Where in the model the heads of each kind are. Below chance is white.",
)
DISTANCES = About(
    title="D(n) as prompts grow",
    unit="units of the residual stream",
    law=f"{COLLAPSE.law}; chunked L∞ norm after the final norm",
    source=COLLAPSE.source,
    null=COLLAPSE.null,
    plain="How far apart the last token's residuals of two nearly equal prompts are, and of unrelated prompts that end "
    "in the same token.",
)
FLIPPED = About(
    title="What it costs to flip a head's largest weights",
    unit="nats per token",
    law="loss of a passage with one head edited less that without; a point per head, mean over the seeds",
    source="headscope",
    null="the weight of a random other visible key; an equal change at a random other visible key",
    plain="Above the diagonal the largest weight matters more than what it is compared with.",
)
RANKED = About(
    title="Loss that edits of one head cost",
    unit="thousandths of a nat per token",
    law=FLIPPED.law,
    source="headscope",
    plain="Which heads the loss depends on most. A head whose edit lowers the loss is white.",
)
GAINED = About(
    title="Taken off the loss of a real model by a few parameters",
    unit="nats per token",
    law="loss before less loss after, on the same held-out windows; nothing but these parameters learned",
    source="headscope; temperatures: Zhang et al. 2024",
    plain="What temperatures, or gains of norms, add to a trained model in which nothing else may change.",
)
LEARNED = About(
    title="How far the temperatures learned, by layer",
    unit="1",
    law="‖w‖ of the projection that makes each token's temperature, 0 at first",
    source="Zhang et al. 2024 (2411.12892)",
    plain="In which layers queries (τ_q) and values (τ_v) were tempered most.",
)
