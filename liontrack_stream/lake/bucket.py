"""The lake's S3 endpoint, by the settings: pyarrow moves the data, s3fs does what pyarrow cannot."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING

from pyarrow import fs

from liontrack_stream.settings import Settings

if TYPE_CHECKING:
    import s3fs

REGION = "us-east-1"
_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S = 5, 30


def arrow_filesystem(settings: Settings) -> fs.FileSystem:
    secret = settings.s3_secret_access_key
    return fs.S3FileSystem(
        access_key=settings.s3_access_key_id,
        secret_key=secret.get_secret_value() if secret else None,
        endpoint_override=settings.s3_endpoint_url,
        region=settings.s3_region or REGION,
        connect_timeout=_CONNECT_TIMEOUT_S,
        request_timeout=_READ_TIMEOUT_S,
    )


def fsspec_filesystem(settings: Settings) -> s3fs.S3FileSystem:
    """For engines that are given a filesystem, so that no secret is in their configuration."""
    import s3fs

    logging.getLogger("botocore").setLevel(logging.INFO)  # at debug it logs signed headers, with the access key's id
    secret = settings.s3_secret_access_key
    return s3fs.S3FileSystem(
        key=settings.s3_access_key_id,
        secret=secret.get_secret_value() if secret else None,
        endpoint_url=settings.s3_endpoint_url,
        client_kwargs={"region_name": settings.s3_region or REGION},
        config_kwargs={"connect_timeout": _CONNECT_TIMEOUT_S, "read_timeout": _READ_TIMEOUT_S},
        use_listings_cache=False,
        skip_instance_cache=True,
    )


class Remover:
    """Deletes objects. pyarrow would leave an empty object in the place of their folder, which readers trip over."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _fs(self) -> s3fs.S3FileSystem:
        return fsspec_filesystem(self._settings)

    def __call__(self, key: str) -> None:
        """No error where there is none. Raises OSError."""
        self._fs.rm_file(key)
