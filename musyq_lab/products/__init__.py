"""One file a category: a frozen ``SPEC`` and one ``@retrieval`` function of the same name."""
