-- One row per accepted fix of a day of silver.positions, as the view gold.lions_positions_history shows it.
SELECT lion_id, event_time AS position_date, lat, lng, accuracy FROM {relation} WHERE flags = 0
