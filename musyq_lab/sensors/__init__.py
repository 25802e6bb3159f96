"""Sensors: one file each, a ``SPEC`` and ``open(granule, resolution=, calibration=)``.

``open_scene`` (in ``_open``) is the door: ``_granule`` finds out which sensor a path belongs to and which files make
the granule, the sensor's ``open`` reads them lazily, ``_calibrate`` turns counts into radiance, reflectance and
brightness temperature, ``_scene`` gives every sensor the same layout.

satpy reads most of these formats too and is what the tests compare with. It is not what reads here: its arrays hold
open files (no worker can have them), several of its readers compute when they open, damage shows as any of dozens of
errors, and where it is wrong the sensor's file says so.
"""
