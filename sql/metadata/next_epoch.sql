-- One row: an epoch that no claim has had before.
SELECT nextval('metadata.lease_epochs')
