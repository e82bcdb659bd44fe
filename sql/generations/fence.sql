-- One row per partition: whoever held its lease can no longer write; he has to find the new live generation first.
UPDATE metadata.consumed_offsets SET lease_epoch = nextval('metadata.lease_epochs'), lease_owner = $1
