"""What somebody with a console's password would try on the audit trail, beside the console."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pymongo import DeleteOne, MongoClient

from tests.servers import password_of

ENTRY = {"_id": "entry-1", "id": "entry-1", "table": "orders", "record_id": "o1", "action": "UPDATE", "user_id": "sam"}
TRAIL = "audit_logs"


class Intruder:
    """A connection with a user's password; the user's role has the user's name."""

    def __init__(self, uri: str, database: str, user: str) -> None:
        self.client: MongoClient[dict[str, Any]] = MongoClient(uri)
        self.shop = self.client[database]
        self.trail = self.shop[TRAIL]
        self.user = user

    def admin(self, command: Mapping[str, Any]) -> None:
        self.client.admin.command(dict(command))

    def rename(self, source: str, target: str) -> None:
        names = {"renameCollection": f"{self.shop.name}.{source}", "to": f"{self.shop.name}.{target}"}
        self.admin({**names, "dropTarget": True})

    def aggregate(self, *stages: dict[str, Any], on: str = TRAIL) -> None:
        self.shop[on].aggregate([*stages]).close()

    def delete_in_transaction(self) -> None:
        with self.client.start_session() as session, session.start_transaction():
            self.trail.delete_one({"_id": "entry-1"}, session=session)


Attack: TypeAlias = Callable[[Intruder], object]
MINE = {"_id": "entry-1"}
FORGED = {"$set": {"user_id": "nobody"}}
MORE = {"resource": {"db": "", "collection": ""}, "actions": ["remove"]}

ATTACKS: Mapping[str, Attack] = {
    "update": lambda by: by.trail.update_one(MINE, FORGED),
    "update many by pipeline": lambda by: by.trail.update_many({}, [FORGED]),
    "replace": lambda by: by.trail.replace_one(MINE, {}),
    "upsert": lambda by: by.trail.update_one({"_id": "new"}, FORGED, upsert=True),
    "findAndModify": lambda by: by.trail.find_one_and_update(MINE, FORGED),
    "findAndModify that removes": lambda by: by.trail.find_one_and_delete(MINE),
    "delete": lambda by: by.trail.delete_many({}),
    "delete in a bulk": lambda by: by.trail.bulk_write([DeleteOne(MINE)]),
    "delete in a transaction": lambda by: by.delete_in_transaction(),
    "drop": lambda by: by.shop.command({"drop": TRAIL}),
    "rename it away": lambda by: by.rename(TRAIL, "console_views"),
    "rename another over it": lambda by: by.rename("orders", TRAIL),
    "collMod a validator": lambda by: by.shop.command({"collMod": TRAIL, "validator": {"never": {"$exists": True}}}),
    "collMod its validation off": lambda by: by.shop.command({"collMod": TRAIL, "validationLevel": "off"}),
    "bypass its validation": lambda by: by.trail.insert_one({"_id": "new"}, bypass_document_validation=True),
    "$out": lambda by: by.aggregate({"$match": {"_id": 0}}, {"$out": TRAIL}, on="orders"),
    "$merge that replaces": lambda by: by.aggregate({"$merge": {"into": TRAIL, "whenMatched": "replace"}}),
    "$merge that updates": lambda by: by.aggregate({"$merge": {"into": TRAIL, "whenMatched": [FORGED]}}),
    "a view over it": lambda by: by.shop.command({"create": "spy", "viewOn": TRAIL, "pipeline": []}),
    "convertToCapped": lambda by: by.shop.command({"convertToCapped": TRAIL, "size": 4096}),
    "a capped copy": lambda by: by.shop.command({"cloneCollectionAsCapped": TRAIL, "toCollection": "few", "size": 1}),
    "an index with a lifetime": lambda by: by.trail.create_index("timestamp", expireAfterSeconds=1),
    "a unique index that refuses entries": lambda by: by.trail.create_index("id", name="one", unique=True),
    "dropIndexes": lambda by: by.shop.command({"dropIndexes": TRAIL, "index": "*"}),
    "dropDatabase": lambda by: by.shop.command({"dropDatabase": 1}),
    "grant itself a role": lambda by: by.admin({"grantRolesToUser": by.user, "roles": ["root"]}),
    "widen its role": lambda by: by.admin({"grantPrivilegesToRole": by.user, "privileges": [MORE]}),
    "make a user": lambda by: by.admin({"createUser": f"{by.user}-2", "pwd": "x", "roles": ["root"]}),
    "change its password": lambda by: by.admin({"updateUser": by.user, "pwd": password_of(by.user)}),
    "read the passwords": lambda by: by.client.admin["system.users"].find_one(),
    "applyOps": lambda by: by.admin({"applyOps": [{"op": "d", "ns": f"{by.shop.name}.{TRAIL}", "o": MINE}]}),
}
