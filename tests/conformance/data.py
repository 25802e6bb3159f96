"""Ordinary input for any product: what the contract of a user's own algorithm is checked on."""

from musyq_lab.production.contract.samples import CHUNKS, example, never

__all__ = ["CHUNKS", "example", "lazily", "never"]


def lazily(dataset, chunks):
    """Return the dataset in dask chunks."""
    return dataset.chunk(chunks)
