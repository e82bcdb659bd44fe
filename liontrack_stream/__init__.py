"""LionTrack Stream: collar, weight, user and challenge events into a warehouse and a lake, exactly once.

``liontrack_stream.app``, as an attribute, is the Faust app, so that ``faust -A liontrack_stream worker`` finds it;
``from liontrack_stream.app import …`` reaches the module.
"""

import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"  # the tag v0.1.0 has the same, see decisions/0024-versions.md


class _Package(ModuleType):
    """A package whose attribute ``app`` is built when first asked for, although a module has the same name."""

    @property
    def app(self) -> Any:
        from liontrack_stream.commands import app_for_command_line
        from liontrack_stream.memory import share_one_heap

        share_one_heap()  # of `faust worker`; `liontrack` has done it
        return app_for_command_line()

    @app.setter
    def app(self, module: ModuleType) -> None:
        """Python binds the submodule here when it is imported; ``sys.modules`` is enough for that."""


sys.modules[__name__].__class__ = _Package
