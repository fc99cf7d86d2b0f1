"""E10: whether temperatures draw a graph nearer than softmax, in one layer."""
