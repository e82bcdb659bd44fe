"""The embedded stack: Kafka and PostgreSQL from pip and Maven, for one folder, without root rights or Docker.

``Stack`` starts and stops both; the other modules each do one part of it.
"""

from liontrack_stream.local.errors import StackError
from liontrack_stream.local.stack import PartStatus, Stack

__all__ = ["PartStatus", "Stack", "StackError"]
