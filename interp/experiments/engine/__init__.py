"""Engine: what all experiments share, the table of them, running, keeping and reporting."""
