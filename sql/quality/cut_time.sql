-- One row: the time of a cut in whole milliseconds, as microseconds since 1970. Changes nothing.
SELECT (extract(epoch FROM date_trunc('milliseconds', clock_timestamp())) * 1000000)::bigint
