-- One row per dead letter of a partition ($1, $2) among some offsets ($3): the rule that it broke, and why.
SELECT "offset", rule, reason FROM metadata.dead_letters WHERE topic = $1 AND partition = $2 AND "offset" = ANY ($3)
