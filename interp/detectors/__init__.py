"""Detectors: which heads do one of the known jobs, read from signed patterns."""
