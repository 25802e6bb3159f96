"""Isolation on request: a user's own algorithm in a process of its own, with limits.

``limits`` says what the process may use and what is not isolated, ``run`` gives the retrieval that works this way,
``_process`` starts and watches the process, ``_child`` is what runs in it, ``_confine`` asks the kernel to hold it.
"""
