-- One row of the table that 0009 adds, and deletions of its kind.
INSERT INTO metadata.revisions (table_name, entity_id, period_start, kind, changes, cause, topic, partition, offsets,
                                record_count)
VALUES ('gold.lions_metrics', 'lion-1', '2025-03-01Z', 'changed', '{"tracking_frequency": [1, 2]}', 'late',
        'lions.position.events', 0, '{2}', 1);
INSERT INTO metadata.deletions (topic, partition, "offset", entity_id, event_id, append_time)
VALUES ('users.activity.events', 0, 9, 'u-1', 'e-9', '2025-03-01 09:01Z');
