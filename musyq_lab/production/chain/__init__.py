"""From granules to product files: what is needed, in which order, and how it is made, resumed and proved.

``plan`` and ``drawing`` draw the graph of declared inputs over what a catalog has in stock, ``task`` is one node of it,
``makers`` make its values, ``work`` runs it and publishes its file, ``pool`` runs them in order, ``produce`` is the
door, ``reproduce`` makes a file again and compares.
"""
