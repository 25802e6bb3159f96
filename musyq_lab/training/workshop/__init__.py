"""What a workshop folder holds beside wheels, notebooks and data; :mod:`musyq_lab.training.pack` copies it as it is.

``@PYTHON@``, ``@PLATFORM@``, ``@SIZE@`` and ``@VERSION@`` stand for what the folder was packed with.
"""
