"""The check of an archive: whether it is what it was, what the conventions ask for, and what the principles ask for.

``run`` is the door, ``report`` what it returns; ``fixity`` compares checksums and records, ``conformity`` checks
headers by rules of ours, ``compliance`` by the compliance-checker of IOOS, ``principles`` scores the ten of GEO.
"""
