-- One row per wanted record of the topic $1 that a bronze file of the lake holds; `n` is its place in the lists. Reads only.
SELECT want.n::integer - 1 AS n, f.path
FROM unnest($2::integer[], $3::bigint[], $4::date[]) WITH ORDINALITY AS want (partition, "offset", day, n)
CROSS JOIN LATERAL (
    SELECT l.path FROM metadata.lake_files l
    WHERE l.layer = 'bronze' AND l.table_name = $1 AND l.day = want.day AND l.partition = want.partition
      AND l.first_offset <= want."offset" AND l.next_offset > want."offset"
    LIMIT 1
) f
