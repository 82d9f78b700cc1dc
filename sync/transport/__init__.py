"""Ways for a bundle to reach a neighbour."""
