"""One agent per topic. Agents read; what a record means is decided in the core, and it is stored by the warehouse."""
