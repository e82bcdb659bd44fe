"""PostgreSQL: the one transaction per batch that moves the offset and writes bronze, silver and gold."""
