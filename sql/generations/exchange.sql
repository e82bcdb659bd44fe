-- One row is none: a {kind} of operation changes places between metadata and metadata{of}; it parks in the catalog.
ALTER {kind} metadata.{name} SET SCHEMA catalog;
ALTER {kind} metadata{of}.{name} SET SCHEMA metadata;
ALTER {kind} catalog.{name} SET SCHEMA metadata{of}
