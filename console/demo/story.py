"""The story that the tour of the audit trail tells: everything in it is really done, in a demo database alone.

What is written to the business is written by the services, as operators of the demo. Only the tampering goes around
them, and what it overwrites is kept in a collection of its own until it is put back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import bson
from bson.binary import Binary
from bson.raw_bson import RawBSONDocument

from services.audit.seal import seal, seal_session
from services.audit.trail import Trail
from services.backfills.commit import commit
from services.backfills.plan import Options
from services.backfills.preview import preview
from services.backfills.rollback import rollback
from services.changes.changeset import AUDIT_LOGS
from services.clock import Clock, day_start, read_day
from services.database import Database, Document, told
from services.deliveries.confirmation import confirm_delivery
from services.deliveries.undo import undo_confirmation
from services.errors import Refused
from services.operators.directory import environment_of, identify
from services.operators.operator import Operator
from services.records.orders import Order, read_order

KEPT = "console_demo_tour"
"""The entry that the tour altered, as it was."""
_BILL = "bill-one-time-orders"
_AT = timedelta(hours=6, minutes=30)
_LOOKED_AT = 200
_FORGED_RUPEES = 1.0


class Story:
    """One telling. Its parts are told in order, each once; amounts are paise."""

    def __init__(self, database: Database, clock: Clock, auditor: Operator) -> None:
        self._database = database
        self._clock = clock
        self._auditor = auditor
        self._support = self._ops = auditor
        self._moment: datetime | None = None
        self._run = ""
        self.order = ""
        self.first_paise = 0
        self.paise = 0
        self.short = ""
        """How much came of what, in words."""
        self.entry = ""
        """The `_id` of the entry that is tampered with; its id for people is the same."""

    async def begin(self) -> None:
        """Call the operators, and put back what an earlier tour may have left altered.

        Raises Refused on a database that is not marked as a demo.
        """
        if await environment_of(self._database) != "demo":
            raise Refused("no-demo", "The tour tampers with the audit trail; it is given on demo databases alone.")
        await self.put_back()
        self._support, self._ops = [await self._operator(account) for account in ("asha", "vikram")]

    async def _operator(self, account: str) -> Operator:
        found = await identify(self._database, account, "the tour")
        return replace(found, trail=Trail(self._auditor.trail.key_file, self._auditor.trail.copies))

    async def live(self) -> None:
        """An order is delivered and billed, by asha and vikram."""
        order = await self._undelivered()
        self.order, day = order.id or "", order.delivery_date
        assert day is not None
        self._moment = min(day_start(day) + _AT, self._clock())
        await self._confirm({})
        self.first_paise = await self._bill()

    async def correct(self) -> None:
        """The bill was wrong: it is taken back, the delivery told as it was, and billed again."""
        why = "The customer says that not all of it came."
        await rollback(self._database, self._ops, self._clock, self._run, why)
        await undo_confirmation(self._database, self._support, self._clock, self.order, why)
        with told():
            items = read_order(await self._stored_order()).items
        item = max(items, key=lambda each: each.quantity or 0)
        ordered = item.quantity or Decimal(1)
        came = ordered - 1
        self.short = f"of {item.name} {came:f} of {ordered:f}"
        await self._confirm({item.key: came}, why)
        self.paise = await self._bill()

    async def seal(self) -> None:
        """Everything is sealed, older entries as well."""
        for operator in (self._support, self._ops):
            await seal_session(self._database, operator, self._clock)
        await seal(self._database, self._auditor.trail, self._clock, everything=True)

    async def tamper(self) -> None:
        """Somebody with a key to the database lowers the bill in its audit entry; the console is not asked."""
        with told():
            bill = await self._database["billing_records"].find_one({"order_id": self.order})
            entry = await self._entry({"table": "billing_records", "record_id": bill["id"] if bill else None})
            key = entry["_id"]
            kept = {"_id": "altered", "entry": Binary(bytes(entry.raw))}
            await self._database[KEPT].replace_one({"_id": "altered"}, kept, upsert=True)
            values = {"after.amount": _FORGED_RUPEES, "after.amount_paise": int(_FORGED_RUPEES * 100)}
            await self._database[AUDIT_LOGS].update_one({"_id": key}, {"$set": values})
        self.entry = str(key)

    async def put_back(self) -> None:
        """The entry byte by byte as it was; nothing where none is altered."""
        with told():
            kept = await self._database[KEPT].find_one({"_id": "altered"})
            if kept is None:
                return
            entry: Any = RawBSONDocument(bytes(kept["entry"]))
            await self._database[AUDIT_LOGS].replace_one({"_id": entry["_id"]}, entry)
            await self._database[KEPT].delete_one({"_id": "altered"})

    async def _entry(self, matching: Document) -> RawBSONDocument:
        options: Any = bson.CodecOptions(document_class=RawBSONDocument)
        entries = self._database[AUDIT_LOGS].with_options(codec_options=options)
        found: RawBSONDocument | None = await entries.find_one(matching)
        if found is None:
            raise Refused("no-entry", "The entry of the new bill is gone; begin anew with --fresh.")
        return found

    async def _undelivered(self) -> Order:
        """The newest open order with more than one thing in it, of a customer that everybody can tell."""
        query = {"status": "pending", "order_type": "one_time", "billed": False}
        with told():
            cursor = self._database["orders"].find(query).sort("delivery_date", -1).limit(_LOOKED_AT)
            for document in await cursor.to_list():
                if await self._serves(document):
                    return read_order(document)
        raise Refused("no-order", "No order of this demo is open any more; begin anew with --fresh.")

    async def _serves(self, document: Document) -> bool:
        order = read_order(document)
        items = order.items
        day = read_day(document.get("delivery_date"))
        if not items or day is None or day_start(day) + _AT > self._clock():
            return False
        whole = all(item.quantity and item.quantity == int(item.quantity) for item in items)
        several = len({item.key for item in items}) == len(items) and sum(item.quantity or 0 for item in items) > 1
        customer = {"$or": [{"id": document["customer_id"]}, {"user_id": document["user_id"]}]}
        known = await self._database["customers_v2"].count_documents(customer, limit=2) == 1
        reports = await self._database["delivery_statuses"].count_documents({"order_id": order.id}, limit=1)
        return whole and several and known and not reports

    async def _confirm(self, quantities: dict[str, Decimal], reason: str = "") -> None:
        await confirm_delivery(
            self._database, self._support, self._clock, self.order, quantities=quantities,
            delivered_at=self._moment, reason=reason,
        )  # fmt: skip

    async def _bill(self) -> int:
        """Bill the order with all others of its day; its amount."""
        with told():
            day = read_day((await self._stored_order())["delivery_date"])
        options = Options(delivered_from=day, delivered_to=day, confirmed_only=True)
        plan = await preview(self._database, self._ops, self._clock, _BILL, options)
        self._run = plan.run or ""
        await commit(self._database, self._ops, self._clock, self._run, plan.digest)
        with told():
            bill = await self._database["billing_records"].find_one({"order_id": self.order})
        if bill is None:
            raise Refused("not-billed", f"The order {self.order} needs a person first; begin anew with --fresh.")
        return int(bill["amount_paise"])

    async def _stored_order(self) -> Document:
        found = await self._database["orders"].find_one({"id": self.order})
        if found is None:
            raise Refused("no-order", f"The order {self.order} is gone; begin anew with --fresh.")
        return found
