"""One live table per topic: small, keyed like the topic, rebuilt from Postgres whenever it differs."""
