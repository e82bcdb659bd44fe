-- One row per stored user-day from a day on: the facts that a challenge does not change.
SELECT want.user_id, d.activity_date, d.activity_events, d.weight_entries
FROM unnest($1::text[], $2::date[]) AS want (user_id, from_day)
JOIN gold.users_activity d ON d.user_id = want.user_id AND d.activity_date >= want.from_day
