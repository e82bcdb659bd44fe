-- One row is none: others may read the deployments and not write them, until this transaction ends.
LOCK TABLE catalog.deployments IN SHARE ROW EXCLUSIVE MODE
