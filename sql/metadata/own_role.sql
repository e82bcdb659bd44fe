-- One row is none: until this transaction ends, the role that has connected; its connections it may end.
SET LOCAL ROLE NONE
