"""Sensors: one file each, a ``SPEC`` and ``open(granule, resolution=, calibration=)``.

``open_scene`` (in ``_open``) is the door: ``_granule`` finds out which sensor a path belongs to and which files make
the granule, the sensor's ``open`` reads them lazily, ``_calibrate`` turns counts into radiance, reflectance and
brightness temperature, ``_scene`` gives every sensor the same layout. ``_satpy`` is the bridge to satpy's readers.
"""
