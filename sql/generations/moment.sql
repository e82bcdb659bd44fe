-- One row: the moment of the generation's ($1) diff, as JSON: [topic, partition, next offset] each; null: none was made.
SELECT compared_offsets FROM catalog.generations WHERE generation = $1
