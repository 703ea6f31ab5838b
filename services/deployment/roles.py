"""The database roles that back the console's, as data: what each may do with which collection, and nothing more.

Whoever holds a console role can add entries to the audit trail and do nothing else with them. A schema validator on
`audit_logs` is left out on purpose: the backend writes a shape of its own there, which a strict one would refuse and
one that only warns would not keep out, and whoever may insert can forge a well-formed entry; altered and forged
entries are found by the chain. Without the actions `collMod` and `bypassDocumentValidation`, a console role can
neither take away nor pass by a validator that somebody else has put there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from services.audit.log import CHECKPOINTS, KEYS, LEAVES, NODES
from services.backfills.packs import ROWS
from services.backfills.runs import EXCEPTIONS, LANES, RUNS
from services.changes.changeset import AUDIT_LOGS, STREAMS
from services.changes.turns import TURNS
from services.deployment.indexes import INDEXES
from services.operators.directory import MARKER, OPERATORS
from services.operators.operator import Role
from services.reminders.lease import SENDER
from services.reminders.outbox import OUTBOX
from services.reminders.queue import LOG, QUEUE, SENDS
from services.saved import VIEWS

Grants: TypeAlias = Mapping[str, frozenset[str]]
"""Actions by collection of the console's database; those on anything else stand under a title in brackets."""
_Part: TypeAlias = Mapping[str, tuple[str, ...]]

CLUSTER = "(cluster)"

TRAIL = (AUDIT_LOGS, STREAMS, LEAVES, NODES, CHECKPOINTS, KEYS)
"""What holds or seals the audit trail. Nobody with a console role may take anything away from it."""

_READ = ("find", "listIndexes")
_READABLE = (
    "orders", "customers_v2", "users", "subscriptions_v2", "products", "delivery_statuses", "delivery_boys_v2",
    "billing_records", "payment_transactions", "addresses", "areas_v2", "delivery_actions", LOG, QUEUE,
    "notification_templates", "system_settings", *TRAIL, RUNS, ROWS, LANES, EXCEPTIONS, OUTBOX, SENDS, OPERATORS,
    MARKER, VIEWS,
)  # fmt: skip
_VIEWER: _Part = {
    **dict.fromkeys(_READABLE, _READ),
    AUDIT_LOGS: (*_READ, "changeStream"),
}
_AUDITED: _Part = {AUDIT_LOGS: ("insert",), STREAMS: ("insert", "update")}
_SEALS: _Part = {
    LEAVES: ("insert", "update"),
    NODES: ("insert", "update"),
    CHECKPOINTS: ("insert",),
    KEYS: ("insert",),
}
_SAVES: _Part = {VIEWS: ("insert", "update", "remove")}
_SUPPORT: _Part = {
    "orders": ("insert", "update"),
    TURNS: (*_READ, "insert", "update"),
    "delivery_statuses": ("insert", "update", "remove"),  # undoing a confirmation takes back what it made
    "subscriptions_v2": ("update",),
    "customers_v2": ("update",),
    "users": ("update",),  # the link to a customer stands on both sides
}
_OPS: _Part = {
    "billing_records": ("insert", "remove"),  # a rollback takes bills back
    LOG: ("insert", "update"),
    QUEUE: ("insert", "update", "remove"),
    RUNS: ("insert", "update", "remove"),
    ROWS: ("insert", "remove"),
    LANES: ("insert", "update"),
    EXCEPTIONS: ("insert", "remove"),
    OUTBOX: ("insert", "update", "remove"),
    SENDS: ("insert", "update"),
    SENDER: (*_READ, "insert", "update"),
    OPERATORS: ("insert", "update", "remove"),
    MARKER: ("insert", "update"),
    # How far every secondary is behind; ending a dead runner's sessions needs no right, they are the same user's.
    CLUSTER: ("replSetGetStatus", "replSetGetConfig"),
}
# Not on the trail: an index with a lifetime would make the server delete entries.
_BUILDS: _Part = dict.fromkeys(sorted({index.collection for index in INDEXES} - set(TRAIL)), ("createIndex",))
_PARTS: Mapping[Role, tuple[_Part, ...]] = {
    # Showing a viewer a masked phone is an audited act; whoever writes seals at the end of the session.
    "viewer": (_VIEWER, _AUDITED, _SEALS, _SAVES),
    "support": (_VIEWER, _AUDITED, _SEALS, _SAVES, _SUPPORT),
    "ops": (_VIEWER, _AUDITED, _SEALS, _SAVES, _SUPPORT, _OPS, _BUILDS),
    "auditor": (_VIEWER, _AUDITED, _SEALS, _SAVES),
}


def grants(role: Role) -> Grants:
    """What the database role that backs a console role may do."""
    actions: dict[str, frozenset[str]] = {}
    for part in _PARTS[role]:
        for where, more in part.items():
            actions[where] = actions.get(where, frozenset()) | frozenset(more)
    return actions
