"""Pages to look at data: the explorer, in a JupyterLab cell and served (Panel; nothing is fetched from a network).

The only importer of Panel, HoloViews, hvPlot and ipywidgets.
"""
