"""Documents of a case on paper: what each says is a pure function of the case; drawing it as PDF has one door."""
