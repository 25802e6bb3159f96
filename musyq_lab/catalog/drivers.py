"""Drivers that intake finds by entry point: product files, plain rasters, tables, raw granules.

Each is a thin :class:`intake.source.base.DataSource` around an opener of ours, so that the same file opens the same way
through intake, through :func:`musyq_lab.catalog.open.open_catalog` and by path.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr
from intake.source.base import DataSource, Schema

from musyq_lab.catalog import _files
from musyq_lab.core.attributes import package_version
from musyq_lab.core.errors import CatalogError
from musyq_lab.files.remote import is_remote


class _Source(ABC, DataSource):  # type: ignore[misc]  # intake carries no types
    """What the drivers share: one lazy Dataset, no partitions."""

    version = package_version()
    container = "xarray"
    partition_access = False

    def __init__(self, urlpath: Any, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(metadata=metadata)
        self.urlpath = urlpath

    @abstractmethod
    def _open(self, chunks: Any) -> xr.Dataset:
        """Open the data lazily, in dask chunks unless ``chunks`` is None."""

    def _get_schema(self) -> Schema:
        return Schema(dtype=None, shape=None, npartitions=1, extra_metadata={})

    def _get_partition(self, i: int) -> xr.Dataset:
        return self.read()

    def _close(self) -> None:
        self._schema = None

    def read(self) -> xr.Dataset:
        """Return the Dataset; values are read when they are used, without dask."""
        return self._open(None)

    def to_dask(self) -> xr.Dataset:
        """Return the Dataset in dask chunks as stored."""
        return self._open({})


def _here(root: str, what: str) -> str:
    """Return a folder of this machine; whole sets of files are not read from elsewhere."""
    if is_remote(root):
        raise CatalogError(f"{root}: {what} are read from this machine only. Fetch them and give their folder.")
    return root


class ProductSource(_Source):
    """A product file of ours, ``MuSyQ.<KEY>.<edition>.<tile>.<period>.<version>.h5``, or all files of a product.

    Parameters
    ----------
    urlpath : str
        The file; with ``product``, the folder of the files, or one that ``musyq simulate`` made.
    variables : sequence of str, optional
        Layers to keep.
    product : str, optional
        Key of the product whose files form a series.
    metadata : dict, optional
        Given by intake.
    """

    name = "musyq_product"

    def __init__(
        self,
        urlpath: str,
        variables: Sequence[str] | None = None,
        product: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(urlpath, metadata)
        self.variables, self.product = variables, product

    def _open(self, chunks: Any) -> xr.Dataset:
        from musyq_lab.archive.open import open_product

        if not self.urlpath:
            raise CatalogError('Say where the files are: entry(root="folder").')
        if self.product:
            part = "ancillary" if self.product.startswith("sim_") else "truth"
            dataset = open_product(_files.simulated(self.urlpath, part), self.product)
        else:
            dataset = open_product(_files.find_file(self.urlpath))
        chosen = _files.choose_variables(dataset, self.variables, {})
        return chosen if chunks is None else chosen.chunk(chunks)


class RasterSource(_Source):
    """NetCDF, HDF5 and GeoTIFF files.

    Parameters
    ----------
    urlpath : str or mapping of str to str
        A file, or name of a variable -> the one-band file that holds it.
    variables : sequence of str, optional
        Variables to keep.
    rename : mapping of str to str, optional
        Name in the file -> name in the Dataset.
    group : str, optional
        Group inside an HDF5 file.
    metadata : dict, optional
        Given by intake.
    """

    name = "musyq_raster"

    def __init__(
        self,
        urlpath: str | Mapping[str, str],
        variables: Sequence[str] | None = None,
        rename: Mapping[str, str] | None = None,
        group: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(urlpath, metadata)
        self.variables, self.rename, self.group = variables, rename or {}, group

    def _open(self, chunks: Any) -> xr.Dataset:
        if isinstance(self.urlpath, Mapping):
            dataset = _files.open_rasters(self.urlpath, chunks=chunks)
        else:
            dataset = _files.open_raster(self.urlpath, chunks=chunks, group=self.group)
        return _files.choose_variables(dataset, self.variables, self.rename)


class TableSource(_Source):
    """A CSV table as a Dataset along ``row``.

    Parameters
    ----------
    urlpath : str
        The file.
    units, meanings : mapping of str to str, optional
        Column -> unit, column -> meaning.
    times : sequence of str, optional
        Columns that hold times (UTC).
    metadata : dict, optional
        Given by intake.
    """

    name = "musyq_table"

    def __init__(
        self,
        urlpath: str,
        units: Mapping[str, str] | None = None,
        meanings: Mapping[str, str] | None = None,
        times: Sequence[str] = (),
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(urlpath, metadata)
        self.units, self.meanings, self.times = units or {}, meanings or {}, times

    def _open(self, chunks: Any) -> xr.Dataset:
        table = _files.open_table(self.urlpath, units=self.units, meanings=self.meanings, times=self.times)
        return table if chunks is None else table.chunk(chunks)


class SceneSource(_Source):
    """A granule of one sensor in a folder of raw granules.

    Parameters
    ----------
    sensor : str
        Key of the sensor.
    root : str
        Folder that holds the granules, or a granule itself.
    granule : str, optional
        Name of the granule where the folder holds several.
    calibration : str, optional
        As for :func:`musyq_lab.sensors._open.open_scene`.
    resolution : float, optional
        Grid to open (m).
    metadata : dict, optional
        Given by intake.
    """

    name = "musyq_scene"

    def __init__(
        self,
        sensor: str,
        root: str,
        granule: str = "",
        calibration: str = "",
        resolution: float = 0.0,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(root, metadata)
        self.sensor, self.granule, self.calibration, self.resolution = sensor, granule, calibration, resolution

    def _open(self, chunks: Any) -> xr.Dataset:
        from musyq_lab.sensors._folder import open_granule_in

        if not self.urlpath:
            raise CatalogError(
                f'Say where your granules are: entry(root="folder"). {self.sensor} opens them from there.'
            )
        return open_granule_in(
            _files.simulated(_here(self.urlpath, "granules"), f"granules/{self.sensor}"),
            self.sensor,
            granule=self.granule or None,
            resolution=self.resolution or None,
            calibration=self.calibration or None,
        )


class PeerSource(_Source):
    """Files of another producer's product: one, a set of bands, or a series in time.

    Parameters
    ----------
    layout : str
        Key of the layout that is expected (:mod:`musyq_lab.archive.peers`).
    root : str
        File or folder.
    metadata : dict, optional
        Given by intake.
    """

    name = "musyq_peer"

    def __init__(self, layout: str, root: str, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(root, metadata)
        self.layout = layout

    def _open(self, chunks: Any) -> xr.Dataset:
        from musyq_lab.archive.open import open_product

        if not self.urlpath:
            raise CatalogError(
                f'Say where your files are: entry(root="file or folder"). {self.layout} opens them there.'
            )
        dataset = open_product(_here(self.urlpath, "products of others"))
        found = dataset.attrs.get("layout", dataset.attrs.get("product"))
        if found != self.layout:
            raise CatalogError(f"{self.urlpath} holds {found}, not {self.layout}. Take that entry, or ml.open_product.")
        return dataset if chunks is None else dataset.chunk(chunks)


class PublishedSource(_Source):
    """A file of a published product, decoded as far as its record tells.

    Parameters
    ----------
    root : str
        File or folder; empty for the folder of the entry's name below ``MUSYQ_DATA_ROOT``.
    granule : str, optional
        Name of one of several files.
    encoding : mapping, optional
        Scale, fill, valid range and units that the record states.
    metadata : dict, optional
        Given by intake.
    """

    name = "musyq_published"

    def __init__(
        self,
        root: str,
        granule: str = "",
        encoding: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(root, metadata)
        self.granule, self.encoding = granule, encoding or {}

    def _open(self, chunks: Any) -> xr.Dataset:
        from musyq_lab.catalog._published import open_published

        # intake gives the instance the name of its entry.
        about = {**self.metadata, "name": self.name.rpartition(".")[2]}
        root = _here(self.urlpath, "published products") if self.urlpath else ""
        return open_published(root, self.granule, about, self.encoding, chunks=chunks)


_ALL = (ProductSource, RasterSource, TableSource, SceneSource, PeerSource, PublishedSource)
DRIVERS = {driver.name: driver for driver in _ALL}
"""Name in a catalog -> driver."""
