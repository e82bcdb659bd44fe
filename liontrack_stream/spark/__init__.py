"""Spark as another engine for the same generations.

::

    liontrack submit          spark-submit, in .venv-spark     executors, in .venv-spark
    ────────────────          ─────────────────────────────    ─────────────────────────────────────────────────
    jobs.py ── plan.py ──►    driver.py: reads Parquet or  ──► storing.py: each Kafka partition, in order, by the sink
       │     process.py       Kafka, shuffles                  gold.py: each lion, user, table by the rules of core/
       ▼
    the generation's lake, the last records, the diff: as a replay does

Only ``driver.py`` and ``streaming.py`` import pyspark, and nothing but ``commands/submit.py`` imports this package.
"""
