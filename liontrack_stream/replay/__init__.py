"""Recomputing history into a generation beside the live one, and comparing the two.

::

    Kafka (else archive.py: the lake, bronze)
      └──► feed.py ──► the sink, in generation N ──► bronze_gN … gold_gN, lake/generations/N
             ▲                                           │
    live offsets (never further)                         ▼
                              diff.py: both at one moment ──► diff ──► catalog
"""
