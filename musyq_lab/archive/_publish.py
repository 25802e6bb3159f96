"""The moment in which a draft becomes a product: file, checksum and run record get their names."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from musyq_lab.archive import manifest
from musyq_lab.archive.draft import publish, write_text
from musyq_lab.files.digest import sha256


def publish_product(path: Path, target: Path, started: datetime) -> None:
    """Give product, run record and checksum their names, in this order.

    A kill in between leaves a complete product whose checksum is absent or old; that counts as not done. What has its
    checksum has all its files, so that nobody has to look after it again.

    Parameters
    ----------
    path, target : pathlib.Path
        Complete draft and final name.
    started : datetime.datetime
        When the work began, with a time zone.
    """
    digest, size = sha256(path), path.stat().st_size
    drafts = {path: target}
    try:
        for suffix, text in (
            (manifest.RUN_SUFFIX, manifest.run_record(target, digest, size, started)),
            (manifest.SUFFIX, manifest.checksum_line(target, digest)),
        ):
            side = manifest.side_file(target, suffix)
            drafts[write_text(side, text)] = side
        publish(drafts)
    finally:
        for item in drafts:
            item.unlink(missing_ok=True)
