-- One row is none: the generation's schemas and all in them go.
DROP SCHEMA IF EXISTS bronze{of}, silver{of}, gold{of}, metadata{of}, analytics{of} CASCADE
