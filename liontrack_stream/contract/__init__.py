"""Event shapes and decoding: pure, no I/O."""
