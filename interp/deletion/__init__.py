"""Token deletion and copying: what a head does to the logit of the token that it attends to."""
