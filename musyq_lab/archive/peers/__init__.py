"""Products of other producers, opened beside ours.

Each layout is data: rows that say how the files of a product are called, which layers they hold, how their numbers
become values and what their quality bits mean. The machinery that reads them has no branch for any product, and
compares every row with what the file says of itself.
"""
