"""The village agent: takes applications, offline, and hands them on."""
