"""A city with five years of cases: loads them, opens the desk on them and tells how long the pages take."""
