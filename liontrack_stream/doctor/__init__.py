"""`liontrack doctor`: every connection and setting, one line each. `probes.py` runs the checks, `all.py` lists them."""
