"""Standing out: what the heads of the open run do beyond chance, a sentence each, which opens its head."""

import streamlit as st

from headscope.app.frame.left_out import readable_analyses
from headscope.app.frame.page import OpenPrompt, analysed
from headscope.app.serving.address import OpenHead, write_open_head
from headscope.interp.asking.head_jobs import CHANCE, MOST_TOKENS, HeadJob, copying_jobs, pattern_jobs
from headscope.interp.asking.head_sentences import HeadSentence, head_sentences
from headscope.interp.detectors.copying import PromptCopying
from headscope.interp.heads.attention_run import AttentionRun

LOGITS = "prompt_copying"
QUICK = 5e10  # parameters times tokens of a pass that a page makes without being asked
WORDS = (
    "Each number is held against what it would be by chance (keys shuffled, signs dealt anew, tokens drawn anew), and "
    f"is said only where chance would say anything at all of so many heads once in {1 / CHANCE:.0f} times."
)


def jobs_of_run(opened: OpenPrompt, run: AttentionRun) -> list[HeadJob]:
    """What is seen in the weights of the run, computed once for all sessions."""
    request = ("head jobs", opened.key.prompt, opened.key.bos)
    return opened.service.kept(request, lambda model: pattern_jobs(run))


def jobs_on_logits(opened: OpenPrompt) -> list[HeadJob]:
    """What heads do to the logits of what they read; nothing where that says nothing, or would take long."""
    if len(opened.tokens) > MOST_TOKENS or not is_quick(opened) or not readable_analyses(opened, (LOGITS,)):
        return []
    return copying_jobs(analysed(opened, (LOGITS,)).of(LOGITS, PromptCopying))


def is_quick(opened: OpenPrompt) -> bool:
    """Whether a few more passes over the prompt are soon made."""
    return len(opened.tokens) * opened.facts.parameters <= QUICK


def standing_out_strip(opened: OpenPrompt, jobs: list[HeadJob]) -> None:
    """Draw the sentences; nothing where nothing stands out."""
    sentences = head_sentences([*jobs, *jobs_on_logits(opened)])
    if not sentences:
        return
    first = len(opened.tokens) > MOST_TOKENS
    of = f", of the first {MOST_TOKENS:,} {opened.words.tokens}" if first else ""
    with st.container(horizontal=True, gap="small", key="standing-out"):
        st.caption(f"Stands out{of}", width="content")
        for item in sentences:
            st.button(
                item.whole,
                key=f"stands_out_{item.statistic}",
                type="tertiary",
                help=f"{item.value:.2f}, by chance {item.null:.2f} ± {item.spread:.2f}{others_in_words(item)}. {WORDS}",
                on_click=write_open_head,
                args=(OpenHead(item.layer, item.head),),
            )


def others_in_words(item: HeadSentence) -> str:
    """How many more heads do the same, as the end of a sentence."""
    return f"; {item.others} more {'heads do' if item.others > 1 else 'head does'} so" if item.others else ""
