"""Which sources ask a schema registry, and what has to be so at a start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

from lakehouse.errors import BrokerError, SettingsError
from lakehouse.formats import columns
from lakehouse.formats.format import ENOUGH, Fault
from lakehouse.formats.messages import fields_of
from lakehouse.formats.reading import Reading
from lakehouse.formats.recognise import Recognised
from lakehouse.formats.registry import named
from lakehouse.formats.schemas import wire
from lakehouse.formats.schemas.lookup import BadSchema, asking
from lakehouse.schemas import client
from lakehouse.schemas.client import NoAnswer, UnknownSchema
from lakehouse.schemas.connection import RegistryConnection
from lakehouse.schemas.registry import of
from lakehouse.settings import Registry

# How registries name kinds of schemas, and which formats read their records.
FORMATS = {"AVRO": "avro", "PROTOBUF": "protobuf", "JSON": "json-schema"}
URL = "registry.url (LOGPOND_REGISTRY_URL) names it"


def is_asked(readings: Iterable[Reading]) -> bool:
    """Whether any of these reads records whose schema a registry knows."""
    names = {name for each in readings for name in (each.format, *_inner(each))}
    return any(named(name).asks_registry for name in names)


def _inner(reading: Reading) -> Sequence[str]:
    return reading.options.get("formats") or ()


def at_start(
    registry: Registry, readings: Iterable[Reading]
) -> tuple[RegistryConnection | None, str]:
    """Returns the registry of these readings, if they ask one, and what to say of it.

    Raises SettingsError where none is set, and BrokerError where it refuses this program: all that
    comes would be quarantined. One that does not answer now is no reason not to start.
    """
    if not is_asked(readings):
        return None, ""
    connection = RegistryConnection.of(registry)
    if connection is None:
        raise SettingsError("a source asks a schema registry, and none is set", URL)
    try:
        client.check(connection)
    except NoAnswer as error:
        what = f"the schema registry {connection} {error}"
        if error.is_refused:
            raise BrokerError(what, "see registry.user and its password") from None
        return connection, f"{what}: records of schemas that are not known go to quarantine"
    return connection, ""


def asked(registry: Registry) -> AbstractContextManager[None]:
    """Returns a context in which records ask the registry of the settings, if there is one."""
    connection = RegistryConnection.of(registry)
    return asking(of(connection)) if connection else nullcontext()


def recognised(registry: Registry, values: Sequence[bytes]) -> Recognised | None:
    """Returns how to read records that name their schema; None where most name none.

    Raises SettingsError where no registry is set, and BrokerError where it does not know them.
    """
    begun = [value for value in values if wire.has_header(value)]
    if len(begun) < ENOUGH * len(values) or not begun:
        return None
    connection = RegistryConnection.of(registry)
    if connection is None:
        raise SettingsError("these records begin as those of a schema registry do", URL)
    try:
        kind = client.schema(connection, wire.number(begun[-1]), "AVRO").kind
    except (NoAnswer, UnknownSchema, BadSchema, wire.NoHeader) as error:
        why = "does not know their schema" if isinstance(error, UnknownSchema) else error
        raise BrokerError(f"the schema registry {connection} {why}", URL) from None
    format = named(FORMATS.get(kind, "json-schema"))
    with asking(of(connection)):
        read = fields_of(Reading(format=format.name))
        found = [one for value in begun for one in read(value, None)]
    fields = [one for one in found if not isinstance(one, Fault)]
    share = len(fields) / len(values)
    return Recognised(format, columns.proposed(share, columns.of_objects(fields)))
