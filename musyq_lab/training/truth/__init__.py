"""The truth of the exercises, one module a topic; see :mod:`musyq_lab.training` for how they are written."""
