"""A Darwin Core Archive: the first fix of each hour of each animal as an occurrence, with metadata that say how.

``occurrence.csv`` is the core (`occurrences`), ``meta.xml`` says what its columns mean (`meta`), ``eml.xml`` what the
data set is and who answers for it (`eml`).
"""
