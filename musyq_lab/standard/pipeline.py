"""``ml.standardize``: from a scene of any sensor to the one layout of standard scenes."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from musyq_lab.core.attributes import extend_history, history_line
from musyq_lab.files.digest import digest
from musyq_lab.standard import layout
from musyq_lab.standard.layout import ANGLES, MASKED

__all__ = ["ANGLES", "MASKED", "standardize"]


def standardize(scene: xr.Dataset, *, mask: Sequence[str] = MASKED, fingerprint: bool = True) -> xr.Dataset:
    """Bring a scene of any sensor to the one layout of standard scenes, lazily, on its native grid.

    Parameters
    ----------
    scene : xarray.Dataset
        From ``ml.open_scene`` with reflectance and brightness temperature (its default).
    mask : sequence of str
        Flags of ``qa`` whose pixels become NaN in every band; ``()`` removes none. ``"cloud"``, ``"cloud_shadow"`` and
        so on say what the producer's own mask says, where the granule has one.
    fingerprint : bool
        Whether to record the sha256 of the granule's files, which reads them once.

    Returns
    -------
    xarray.Dataset
        ``reflectance`` (1), at the top of the atmosphere or of the surface as ``attrs["reflectance_level"]`` says;
        ``brightness_temperature`` (K); ``wavelength`` and ``fwhm`` (um) along the bands; angles (degree, dims (y, x));
        ``qa``; attributes sensor, platform, time, granule and its sha256, history.

    Raises
    ------
    InputError
        If the scene holds counts or radiance, no bands, or a flag is not known.
    """
    standard = layout.stack(scene, mask=mask)
    if fingerprint and (files := scene.encoding.get("files")):
        standard.attrs["granule_sha256"] = digest(files)
    line = history_line("standardize", {"mask": list(mask)})
    standard.attrs["history"] = extend_history(str(scene.attrs.get("history", "")), line)
    return standard
