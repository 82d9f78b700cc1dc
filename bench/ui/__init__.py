"""How quick the village terminal is on a device with many cases, beside the smallest program of the same toolkit."""
