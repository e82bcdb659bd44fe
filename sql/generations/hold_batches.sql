-- One row is none: until this transaction ends, no batch of the live generation can begin to write. Readers go on.
LOCK TABLE metadata.consumed_offsets IN SHARE MODE
