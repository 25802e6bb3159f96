"""A plug-in package of one product."""
