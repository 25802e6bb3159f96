"""Metadata of product files in the forms that catalogues, registries and libraries take.

``describe`` is the door; ``facts`` gathers what files and settings say, ``stac``, ``datacite``, ``iso19115``,
``citation`` and ``datacore`` write it. Nothing is invented: what nobody stated is marked as unknown in the words of
each standard.
"""
