"""The data lake: Parquet files written from the warehouse as an outbox, listed in ``metadata.lake_files``."""

from liontrack_stream.lake.exporter import LakeExporter
from liontrack_stream.lake.ports import BronzeRows, LakeError, LakeFile, LakeStatus, LakeUnavailable
from liontrack_stream.lake.verify import verify

__all__ = ["BronzeRows", "LakeError", "LakeExporter", "LakeFile", "LakeStatus", "LakeUnavailable", "verify"]
