"""Catalogs: what data there are, where they come from and how they open (intake v1 YAML with drivers of our own).

The only importer of intake.
"""
