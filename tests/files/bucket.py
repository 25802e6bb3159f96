"""An object store in memory that behaves like s3fs: asynchronous, answered from a thread of fsspec's own."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import fsspec
from fsspec.asyn import AsyncFileSystem


class Bucket(AsyncFileSystem):
    """What readers need of s3fs."""

    protocol = "s3"
    cachable = False
    objects: ClassVar[dict[str, bytes]] = {}
    refused: ClassVar[bool] = False

    async def _info(self, path: str, **options: Any) -> dict[str, Any]:
        if self.refused:
            raise PermissionError("Access Denied")
        if path in self.objects:
            data = self.objects[path]
            return {"name": path, "size": len(data), "type": "file", "ETag": hashlib.sha1(data).hexdigest()}
        if any(name.startswith(path.rstrip("/") + "/") for name in self.objects):
            return {"name": path, "size": 0, "type": "directory"}
        raise FileNotFoundError(path)

    async def _cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        [{} for _ in range(2000)]  # enough for a collection of garbage, were it allowed
        return self.objects[path][start:end]

    async def _ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        names = [name for name in self.objects if name.rpartition("/")[0] == path.rstrip("/")]
        return [await self._info(name) for name in names]


@contextmanager
def bucket() -> Iterator[dict[str, bytes]]:
    """Let ``s3://`` lead to a dictionary until the block ends."""
    before = fsspec.registry.get("s3")
    fsspec.register_implementation("s3", Bucket, clobber=True)
    Bucket.objects, Bucket.refused = {}, False
    try:
        yield Bucket.objects
    finally:
        sys.modules["fsspec.registry"]._registry.pop("s3", None)  # the package hides the module by a view
        if before is not None:
            fsspec.register_implementation("s3", before, clobber=True)
