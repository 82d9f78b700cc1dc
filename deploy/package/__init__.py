"""Installables for machines without internet: a Debian package, and folders of wheels for Linux and Windows."""
