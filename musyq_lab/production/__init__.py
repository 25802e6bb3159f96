"""Production: recipes that run as notebooks with checked parameters, and the record of what was made from what.

``recipes`` lists them, ``parameters`` checks what a person asks for, ``run`` executes one in a hidden folder and puts
the finished set in place, ``provenance`` writes where every number came from. The only importer of papermill.
"""
