"""Arms: records of what the arms of an experiment measured, and verdicts on them."""
