-- One row is none: until this transaction ends, nothing of the live generation that spans several statements goes on. The
-- catalog is first: who holds on to the other tables has asked it before.
LOCK TABLE catalog.generations, metadata.consumed_offsets, metadata.lake_watermarks, metadata.lake_files, metadata.lake_dirty
IN ACCESS EXCLUSIVE MODE
