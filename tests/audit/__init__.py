"""``make audit``: bandit over our code, known flaws of the lock's packages, and what the API refuses, as a table."""
