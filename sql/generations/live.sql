-- One row: the live generation's number, and the rules that it was computed with, where a replay has made it. Until a
-- transaction that asked this ends, none is exchanged.
SELECT generation, rule_version FROM catalog.generations WHERE state = 'live'
