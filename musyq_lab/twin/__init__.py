"""The simulated Earth: truth fields, forward models, and granules in each sensor's native file layout.

``place`` says where and ``grid`` on which cells; ``terrain``, ``cover``, ``soil`` and ``canopy`` make the surface,
``weather`` and ``clouds`` the atmosphere above it, ``energy`` and ``carbon`` what it does with the light: together the
truth (``world``). ``orbit`` says when a satellite sees it and from where, ``forward`` what then reaches the sensor,
``granules`` how its files hold that. ``simulate`` runs the chain. The same seed gives the same bytes.
"""
