-- One row per weighing of the list: flagged as deleted, not removed. Again, it changes nothing.
UPDATE silver.weight_history SET flags = flags | 16, dw_update_date = now() WHERE weight_id = ANY ($1::text[])
