"""Where events come from. A source turns something outside into the contract's events; nothing here consumes them."""
