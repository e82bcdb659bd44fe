"""Imports what our processes do, for `forked.py`."""

import importlib

from liontrack_stream.app import PARTS

for module in (*PARTS, "liontrack_stream.commands.worker"):
    importlib.import_module(module)
