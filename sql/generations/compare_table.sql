-- One row: how many rows {live} has, and how many {other} adds, removes and changes, of lion $1, append times [$2, $3) and
-- topics $4 (null: of all). Read-only.
SELECT count(l.present) AS rows_live,
       count(*) FILTER (WHERE l.present IS NULL) AS added,
       count(*) FILTER (WHERE g.present IS NULL) AS removed,
       count(*) FILTER (WHERE l.present AND g.present AND ROW({live_columns}) IS DISTINCT FROM ROW({other_columns})) AS changed
FROM (SELECT true AS present, * FROM {live}
      WHERE ($1::text IS NULL OR {lion_id} = $1) AND ($4::text[] IS NULL OR {topic} = ANY ($4))
        AND ($2::timestamptz IS NULL OR {append_time} >= $2) AND ($3::timestamptz IS NULL OR {append_time} < $3)) l
FULL JOIN (SELECT true AS present, * FROM {other}
      WHERE ($1::text IS NULL OR {lion_id} = $1) AND ($4::text[] IS NULL OR {topic} = ANY ($4))
        AND ($2::timestamptz IS NULL OR {append_time} >= $2) AND ($3::timestamptz IS NULL OR {append_time} < $3)) g
  ON {same_key}
