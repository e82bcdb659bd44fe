-- One row per table of the list {tables} is what a transaction's lock table has room for.
DROP TABLE {tables}
