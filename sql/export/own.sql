-- One row per row of a table about users that is the viewer's own.
SELECT * FROM {relation} WHERE user_id = {viewer}::text
