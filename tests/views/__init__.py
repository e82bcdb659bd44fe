"""Views, served by a real aiohttp server over a real PostgreSQL."""
