"""HTTP on Faust's own web server: read-only, its own few connections, nothing that holds up the stream."""

from liontrack_stream.views.web import register

__all__ = ["register"]
