"""Why Kafka does not let us in, in a sentence.

aiokafka logs what a broker's certificate or its answer to a password was, and raises that it cannot be reached. So one
connection is tried once more, by itself, and its error is read.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from liontrack_stream import secure_links
from liontrack_stream.settings import Settings

LOOK_WITHIN_MS = 3_000
BROKERS_MAX = 8


class Refused(Exception):
    """A broker is there and does not let us in; ``detail`` and ``todo`` are sentences without full stops.

    ``password``: whether it is the user or the password.
    """

    def __init__(self, detail: str, todo: str, password: bool = False) -> None:
        super().__init__(f"{detail if detail.startswith('Kafka') else f'Kafka: {detail}'}. {todo}.")
        self.detail, self.todo, self.password = detail, todo, password


async def why(settings: Settings, otherwise: str) -> str:
    """The reason why Kafka could not be used just now, where it is a matter of the link; else what is given."""
    refused = await look(settings)
    return otherwise if refused is None else str(refused)


async def look(settings: Settings) -> Refused | None:
    """Connect to the brokers that are named, and to those that they name; what the first that objects objects to."""
    known = dict.fromkeys(broker.strip() for broker in settings.kafka_brokers.split(","))
    waiting = list(known)
    while waiting:
        place = waiting.pop(0)
        try:
            connection = await connect(settings, place, LOOK_WITHIN_MS)
        except Exception as error:
            refused = await _judged(settings, place, error)
            if refused is not None:
                return refused
            continue
        try:
            answer = await connection.send(MetadataRequest([]))
            others = [f"{broker[1]}:{broker[2]}" for broker in answer.brokers]
        except (KafkaError, TimeoutError):
            return _closed(settings, place)
        finally:
            connection.close()
        new = [other for other in others if other not in known][: BROKERS_MAX - len(known)]
        known |= dict.fromkeys(new)
        waiting += new
    return None


async def connect(settings: Settings, place: str, timeout_ms: int) -> Any:
    """A connection to host:port that Kafka has let in."""
    host, _, port = place.strip().rpartition(":")
    options = secure_links.kafka_options(settings)
    return await create_conn(
        host.strip("[]"), int(port), client_id="liontrack-look", request_timeout_ms=timeout_ms, **options
    )


async def _judged(settings: Settings, place: str, error: Exception) -> Refused | None:
    protocol = settings.kafka_security_protocol
    if isinstance(error, SaslAuthenticationFailed):
        return Refused(
            f"Kafka at {place} does not let {settings.kafka_sasl_username} in with this password",
            "Correct KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD",
            password=True,
        )
    if isinstance(error, UnsupportedSaslMechanismError):
        return Refused(
            f"Kafka at {place} does not know {settings.kafka_sasl_mechanism}",
            "Set KAFKA_SASL_MECHANISM to what it has switched on",
        )
    if isinstance(error, IllegalSaslStateError):
        return Refused(
            f"Kafka at {place} asks for no user",
            f"Set KAFKA_SECURITY_PROTOCOL={'SSL' if secure_links.uses_tls(settings) else 'PLAINTEXT'}",
        )
    found = secure_links.tls_trouble(error, place, "KAFKA", "KAFKA_BROKERS")
    if found is not None:
        return Refused(*found)
    if secure_links.uses_tls(settings) and await _speaks_plain(place):
        return Refused(f"Kafka at {place} does not speak TLS", f"{protocol} needs its port for TLS in KAFKA_BROKERS")
    if not secure_links.uses_tls(settings) and await _speaks_tls(place):
        return Refused(
            f"Kafka at {place} speaks TLS, and {protocol} does not",
            "Set KAFKA_SECURITY_PROTOCOL=SASL_SSL, or SSL where it asks for no user",
        )
    return None


def _closed(settings: Settings, place: str) -> Refused | None:
    """Of a broker that ends the talk at our first question."""
    if secure_links.uses_sasl(settings):
        return None
    secure = "SASL_SSL" if secure_links.uses_tls(settings) else "SASL_PLAINTEXT"
    return Refused(
        f"Kafka at {place} asks for a user",
        f"Set KAFKA_SECURITY_PROTOCOL={secure}, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD",
    )


async def _speaks_plain(place: str) -> bool:
    host, _, port = place.rpartition(":")
    try:
        connection = await create_conn(host.strip("[]"), int(port), request_timeout_ms=LOOK_WITHIN_MS)
    except Exception:
        return False
    connection.close()
    return True


async def _speaks_tls(place: str) -> bool:
    """Whether somebody answers in TLS, whoever it is: nothing is told him."""
    host, _, port = place.rpartition(":")
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(LOOK_WITHIN_MS / 1000):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=anybody)
    except (OSError, ValueError):
        return False
    writer.close()
    return True
