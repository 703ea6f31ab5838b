"""An open order of tomorrow, and changing it as an operator does."""

from datetime import date

from services.clock import Clock
from services.database import Database, Document
from services.operators.operator import Operator
from services.orders.editing import OrderEdit, open_order, preview_update, update_order
from tests import shop

TOMORROW = date(2026, 11, 23)


async def stock(database: Database, **fields: object) -> Document:
    """An open order of tomorrow, products and delivery people."""
    order = shop.order(
        id="o1", status="pending", delivery_date="2026-11-23", delivered_at=None, delivery_confirmed=False,
        address={"address_line1": "12, 4th Cross", "city": "Bengaluru", "pincode": "560041"}, notes="",
        delivery_boy_id="boy-1", customer_id="user-1",
    ) | fields  # fmt: skip
    await shop.stock(
        database, orders=order,
        customers_v2=shop.customer(custom_product_prices={"milk": 27.15}, address="12, 4th Cross, Bengaluru 560041"),
        products=[{"id": "milk", "name": "Milk", "unit": "l", "price": 30.0, "default_price": 28.0},
                  {"id": "curd", "name": "Curd", "price": 12.35}, {"id": "gift", "name": "Gift"}],
        delivery_boys_v2=[{"id": "boy-1", "name": "Raj"}, {"id": "boy-2", "name": "Suresh", "status": "active"},
                          {"id": "boy-4", "name": "ravi"},
                          {"id": "boy-3", "name": "Gone", "is_active": False}],
    )  # fmt: skip
    return order


async def stored(database: Database) -> Document:
    found = await database["orders"].find_one({"id": "o1"})
    assert found is not None
    return found


async def everything(database: Database) -> dict[str, list[Document]]:
    names = ("orders", "audit_logs", "customers_v2")
    return {name: await database[name].find({}).sort("_id", 1).to_list() for name in names}


async def change(
    database: Database, operator: Operator, clock: Clock, **edit: object
) -> dict[str, tuple[object, object]]:
    """Open the order, preview the edit and do it; old and new by field."""
    seen = (await open_order(database, operator, "o1")).seen
    asked = OrderEdit(**edit)  # type: ignore[arg-type]
    before = await everything(database)
    shown = await preview_update(database, operator, clock, "o1", asked, seen)
    assert await everything(database) == before
    assert await update_order(database, operator, clock, "o1", asked, seen, shown) == shown
    return {each.field: (each.old, each.new) for each in shown.changes}
