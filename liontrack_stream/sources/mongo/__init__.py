"""MongoDB into the topics: a snapshot, then change streams (or polling), each collection from where it was left."""
