"""The rules: pure functions over events and facts; no I/O, no clock, no Faust."""
