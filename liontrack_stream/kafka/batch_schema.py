"""A Faust schema that decodes nothing: the fetched batch travels as the message's value."""

from __future__ import annotations

from typing import Any

from faust import Schema
from faust.types import AppT, Message


class BatchSchema(Schema):
    """Bad bytes are the sink's business: a decode error inside Faust would be acked and lost."""

    def compile(self, app: AppT, **_: Any) -> Any:
        """Build the decode function of a topic's channel."""
        create_event = app.create_event

        async def decode(message: Message, *, propagate: bool = False) -> Any:
            return create_event(None, message.value, None, message)

        return decode
