"""Types of the JSON bodies, one file per noun; OpenAPI's schemas are made of them."""
