"""Attribution: which parts of a model made a logit, read from the residual stream or found by patching."""
