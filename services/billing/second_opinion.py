"""Amounts and months computed a second time, by the database, sharing no code with `charge` and `month`.

The two ways agree on every order that the first one bills, or the first one is wrong: the rules are domain rules, the
reading of numbers, times and quantities is the server's own. Where what is stored allows more than one reading, the
server has no opinion, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bson import Decimal128
from pymongo.errors import OperationFailure

from services.database import Database, Document, Session

Expression = Any

_BEYOND = 10**15
"""No amount and no quantity is as large; comparing with it also tells numbers from everything else, and from NaN."""
_BROKEN_TEXT = 51156
"""A regular expression met bytes that are no UTF-8: the server cannot read what the driver reads with gaps."""
_HALF = Decimal128("0.5")
_A_PAISA = Decimal128("0.010000001")
_YEAR_AND_MONTH = r"20(?:0[1-9]|[1-8]\d|9[0-8])-(?:0[1-9]|1[0-2])-"
_TIME = r"(?:([T ](?:[01]\d|2[0-3]):[0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?\s*$"
_PLAIN_TIME = rf"^\s*({_YEAR_AND_MONTH}(?:0[1-9]|[12]\d|3[01])){_TIME}"
"""Day, hour and minute, second, offset. Fractions of a second are in no month of their own."""
_IN_ITS_MONTH = rf"^{_YEAR_AND_MONTH}(?:0[2-9]|1\d|2[0-7]){_TIME}"
"""A time that is in the month that it names, whatever its offset: none is 15 hours, and India is 5:30 ahead."""


class Opinion(NamedTuple):
    """What the server makes of an order; None where it has no opinion, 0 or empty where it finds nothing to bill."""

    amount_paise: int | None
    month: str | None


async def opinions(database: Database, orders: Sequence[tuple[str, Any]], session: Session) -> Mapping[str, Opinion]:
    """The server's opinion on these orders, given by id and `_id`, by order id; one that is gone is left out."""
    chosen = {"$match": {"_id": {"$in": [key for _, key in orders]}}}
    try:
        found = await (await database["orders"].aggregate([chosen, *_PIPELINE], session=session)).to_list()
    except OperationFailure as error:
        if error.code != _BROKEN_TEXT:
            raise
        if len(orders) == 1:
            return {orders[0][0]: Opinion(None, None)}
        middle = len(orders) // 2
        first = await opinions(database, orders[:middle], session)
        return {**first, **await opinions(database, orders[middle:], session)}
    return {each["id"]: Opinion(each["paise"], each["month"]) for each in found}


def _number(value: Expression) -> Expression:
    return {"$and": [{"$gt": [value, -_BEYOND]}, {"$lt": [value, _BEYOND]}]}


def _let(names: Mapping[str, Expression], result: Expression) -> Expression:
    return {"$let": {"vars": dict(names), "in": result}}


def _first(document: str, *names: str) -> Expression:
    return {"$ifNull": [*(f"{document}.{name}" for name in names), None]}


def _listed(value: str) -> Expression:
    return {"$cond": [{"$isArray": value}, value, []]}


def _exactly(value: str) -> Expression:
    """A number as a decimal. Of a double the server takes 15 digits; what it left off is added again."""
    decimal = {"$toDecimal": value}
    rest = {"$toDecimal": {"$subtract": [value, {"$toDouble": decimal}]}}
    return {"$cond": [{"$eq": [{"$type": value}, "double"]}, {"$add": [decimal, rest]}, decimal]}


def _to_paise(rupees: Expression) -> Expression:
    return {"$toLong": {"$floor": {"$add": [{"$multiply": [rupees, 100]}, _HALF]}}}


def _line(item: str) -> Expression:
    """A line of an order: what it is, how much of it was ordered, what that costs; -1 where that is no number."""
    quantity = {"$cond": [_number("$$quantity"), {"$toDecimal": "$$quantity"}, -1]}
    priced = {"$multiply": ["$$many", {"$toDecimal": f"{item}.price"}]}
    stated = {"$cond": [_number(f"{item}.total"), {"$toDecimal": f"{item}.total"}, -1]}
    amount = {"$cond": [_number(f"{item}.price"), priced, stated]}
    return _let(
        {"quantity": _first(item, "quantity", "qty")},
        _let({"many": quantity}, {"key": _key(item), "many": "$$many", "amount": amount}),
    )


def _key(item: str) -> Expression:
    """The product's id, on old documents its name."""
    stored, name = f"{item}.product_id", _first(item, "product_name", "product", "name")
    words = _let({"id": {"$trim": {"input": stored}}}, {"$cond": [{"$eq": ["$$id", ""]}, name, "$$id"]})
    other = {"$cond": [{"$in": [{"$type": stored}, ["int", "long", "objectId"]]}, stored, name]}
    return {"$cond": [{"$eq": [{"$type": stored}, "string"]}, words, other]}


def _delivered() -> Expression:
    """The delivered quantity of each line, null where the report has none: the n-th of a product for its n-th line."""
    same = {"$eq": ["$$this.key", "$$line.key"]}
    alike = {"$filter": {"input": {"$slice": ["$lines", {"$add": ["$$number", 1]}]}, "cond": same}}
    given = {"$arrayElemAt": [{"$filter": {"input": "$report", "cond": same}}, {"$subtract": [{"$size": alike}, 1]}]}
    quantity = {"$cond": [_number("$$given.many"), {"$toDecimal": "$$given.many"}, None]}
    one = _let({"line": {"$arrayElemAt": ["$lines", "$$number"]}}, _let({"given": given}, quantity))
    return {"$map": {"input": {"$range": [0, {"$size": "$lines"}]}, "as": "number", "in": one}}


def _amount() -> Expression:
    """Paise: the order's total, or for what came short the shares of its lines."""
    share = {"$divide": [{"$multiply": ["$$one.amount", "$$given"]}, "$$one.many"]}
    pairs = {"$zip": {"inputs": ["$lines", "$$given"]}}
    shares = {
        "$map": {
            "input": pairs,
            "as": "pair",
            "in": _let({"one": {"$arrayElemAt": ["$$pair", 0]}, "given": {"$arrayElemAt": ["$$pair", 1]}}, share),
        }
    }
    whole = _to_paise("$$total")
    by_report = _let(
        {"given": _delivered()},
        {
            "$switch": {
                "branches": [
                    {"case": {"$in": [None, "$$given"]}, "then": None},
                    {"case": {"$eq": ["$$given", "$lines.many"]}, "then": whole},
                ],
                "default": _to_paise({"$round": [{"$sum": shares}, 9]}),
            }
        },
    )
    wrong = {"$or": [{"$lte": [{"$min": "$lines.many"}, 0]}, {"$lt": [{"$min": "$lines.amount"}, 0]}]}
    apart = {"$gt": [{"$abs": {"$subtract": [{"$sum": "$lines.amount"}, "$$total"]}}, _A_PAISA]}
    alike = {"$and": [{"$eq": ["$report.many", "$lines.many"]}, {"$eq": ["$report.key", "$lines.key"]}]}
    sound = {"$cond": [{"$or": [{"$not": {"$isArray": "$report"}}, alike]}, whole, by_report]}
    checked = _let({"total": _exactly("$total")}, {"$cond": [apart, 0, sound]})
    some = {"$gt": [{"$size": "$lines"}, 0]}
    payable = {"$and": [_number("$total"), {"$gt": ["$total", 0]}, {"$not": {"$and": [some, wrong]}}]}
    return {"$cond": [payable, checked, 0]}


def _report() -> Expression:
    """The lines of the report that counts: what an operator confirmed last, else any that names quantities."""
    detailed = {"$filter": {"input": "$reports", "cond": {"$gt": [{"$size": _listed("$$this.items")}, 0]}}}
    confirmed = {"$filter": {"input": "$$detailed", "cond": {"$eq": ["$$this.confirmation_method", "admin"]}}}
    text = {"$cond": [{"$eq": [{"$type": "$$this.confirmed_at"}, "string"]}, "$$this.confirmed_at", ""]}
    later = {
        "$or": [
            {"$gt": [text, "$$value.at"]},
            {"$and": [{"$eq": [text, "$$value.at"]}, {"$lt": ["$$this._id", "$$value._id"]}]},
        ]
    }
    of_this = {"at": text, "_id": "$$this._id", "items": "$$this.items"}
    last = {"$reduce": {"input": "$$confirmed", "initialValue": None, "in": {"$cond": [later, of_this, "$$value"]}}}
    chosen = {"$cond": [{"$size": "$$confirmed"}, last, {"$first": "$$detailed"}]}
    lines = {"$map": {"input": "$$chosen.items", "in": {"key": _key("$$this"), "many": "$$this.delivered_qty"}}}
    return _let({"detailed": detailed}, _let({"confirmed": confirmed}, _let({"chosen": chosen}, lines)))


def _month_of(field: str) -> Expression:
    """The month in India of a stored time or day, empty where there is none, null where the text allows doubt."""
    india: Document = {"$dateToString": {"date": "$$moment", "format": "%Y-%m", "timezone": "Asia/Kolkata"}}
    years = [datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2100)]
    believable = {"$and": [{"$gte": [field, years[0]]}, {"$lt": [field, years[1]]}]}
    part = [{"$arrayElemAt": ["$$plain.captures", number]} for number in range(4)]
    written = {
        "$concat": [
            part[0], {"$ifNull": [part[1], "T00:00"]}, ":", {"$ifNull": [part[2], "00"]}, {"$ifNull": [part[3], "Z"]},
        ]
    }  # fmt: skip
    moment = {"$dateFromString": {"dateString": written, "onError": None}}
    read = _let({"moment": moment}, {"$cond": ["$$moment", india, ""]})
    unsure = {"$cond": [{"$regexMatch": {"input": field, "regex": r"\d{4}"}}, None, ""]}
    plain = {"$regexFind": {"input": field, "regex": _PLAIN_TIME}}
    by_its_time = _let({"plain": plain}, {"$cond": ["$$plain", read, unsure]})
    inside = {"$regexMatch": {"input": field, "regex": _IN_ITS_MONTH}}
    return {
        "$switch": {
            "branches": [
                {
                    "case": {"$eq": [{"$type": field}, "date"]},
                    "then": {"$cond": [believable, _let({"moment": field}, india), ""]},
                },
                {
                    "case": {"$eq": [{"$type": field}, "string"]},
                    "then": {"$cond": [inside, {"$substrBytes": [field, 0, 7]}, by_its_time]},
                },
            ],
            "default": "",
        }
    }


def _month() -> Expression:
    valid = {"$regexMatch": {"input": "$billed_month", "regex": r"^20[0-9]{2}-(0[1-9]|1[0-2])\z"}}
    billed = {"$cond": [{"$eq": [{"$type": "$billed_month"}, "string"]}, valid, False]}
    delivered = _let(
        {"month": _month_of("$delivered_at")},
        {"$cond": [{"$eq": ["$$month", ""]}, _month_of("$delivery_date"), "$$month"]},
    )
    return {"$cond": [billed, "$billed_month", delivered]}


_PIPELINE: list[Document] = [
    {"$lookup": {"from": "delivery_statuses", "localField": "id", "foreignField": "order_id", "as": "reports"}},
    {
        "$project": {
            "_id": 0,
            "id": 1,
            "total": _first("$$ROOT", "total_amount", "total"),
            "lines": {"$map": {"input": _listed("$items"), "as": "item", "in": _line("$$item")}},
            "report": _report(),
            "month": _month(),
        }
    },
    {"$project": {"id": 1, "month": 1, "paise": _amount()}},
]
