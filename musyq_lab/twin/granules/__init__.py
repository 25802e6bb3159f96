"""Writers of the sensors' native files, one module a sensor, named by the sensor's key.

A module holds ``INSTRUMENT`` (orbit, platform), ``pixels(overpass, grid)`` (where it looks) and
``write(overpass, images, folder)`` (its files). :mod:`musyq_lab.twin.instrument` defines what these are made of.
"""
