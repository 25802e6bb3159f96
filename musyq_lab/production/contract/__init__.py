"""The contract: what any algorithm must keep before production takes it, checked on simulated samples.

``check`` runs the checks and gives a report, ``samples`` makes the inputs, ``session`` keeps who has passed. The checks
themselves lie by theme: ``_results``, ``_faults``, ``_blocks``, ``_conduct``, ``_storage``, ``_cost``, ``_scene``.
"""
