"""What Spark itself finds in a lake: ``python glob_counts.py LAKE FOLDER …``, run in Spark's environment.

Prints ``{folder: [rows, sum of the days of their folders]}``; it knows nothing of the manifest.
"""

from __future__ import annotations

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def main(lake: str, *folders: str) -> None:
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    found = {}
    for folder in folders:
        rows = spark.read.parquet(f"{lake}/{folder}")
        day = next((name for name in ("day", "date") if name in rows.columns), None)
        days = F.sum(F.unix_date(F.col(day))) if day else F.lit(0)
        found[folder] = list(rows.agg(F.count(F.lit(1)), days).first())
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
