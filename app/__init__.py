"""The browser application: what is shown, and the command line. Computation lives in interp and models."""
