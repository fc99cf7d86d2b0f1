"""Budgets: whether the side on which a claim falls changes as training goes on, and where.

The budgets of a claim are the steps of a training at which its number was measured, from a fifth of all steps on:
before, the rate is still rising. At the last one the claim is judged as ever. The others are judged together, each at
0.05 on either side divided by how many they are. Where one of them lies wholly on the other side, the answer depends on
the budget.
"""

BEGUN = 0.2  # of all steps: no recipe of the experiments warms up for longer
