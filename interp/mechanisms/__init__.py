"""Mechanisms: what makes attention more than softmax, taken out of one head or of all, the weights staying the same."""
