"""A village's everyday on a bad line: real processes, packets lost one by one, the line cut every ten seconds."""
