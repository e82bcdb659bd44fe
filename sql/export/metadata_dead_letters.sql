-- One row per record that broke a rule, without its bytes, key and headers.
SELECT topic, partition, "offset", rule, reason, append_time, dead_lettered_at FROM {relation}
