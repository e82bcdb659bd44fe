-- The stream of the API asks for the revisions that some records caused. They lie within one batch of one partition, in
-- order: the first of them tells which batch.
CREATE INDEX revisions_cause ON metadata.revisions (topic, partition, (offsets[1]));
