-- True when it returns: no exporter of bronze publishes until the transaction ends. Reading goes on.
LOCK TABLE metadata.lake_watermarks IN EXCLUSIVE MODE
