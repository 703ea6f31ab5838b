"""What the structure promises."""

import ast
import subprocess
import sys
from pathlib import Path

import services

SERVICES = Path(services.__file__).parent
WRITES = {
    "insert_one", "insert_many", "update_one", "update_many", "replace_one", "delete_one", "delete_many", "bulk_write",
    "find_one_and_update", "find_one_and_replace", "find_one_and_delete", "drop", "drop_collection", "rename",
}  # fmt: skip
# The console's own bookkeeping: these names stand for collections that begin with console_.
OWN = {"RUNS", "ROWS", "LANES", "EXCEPTIONS", "MARKER", "OUTBOX", "SENDS", "SENDER", "VIEWS", "TURNS"}
OWN |= {"STREAMS", "LEAVES", "NODES", "CHECKPOINTS", "KEYS"}


def writes(source: str) -> list[tuple[int, str]]:
    """The write calls of a module that do not name a collection of the console's own, by line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES):
            continue
        target = node.func.value
        named = target.slice if isinstance(target, ast.Subscript) else None
        if not (isinstance(named, ast.Name) and named.id in OWN):
            found.append((node.lineno, node.func.attr))
    return found


def test_only_the_change_set_writes_to_the_business() -> None:
    outside = {
        f"{path.relative_to(SERVICES)}:{line} {call}"
        for path in SERVICES.rglob("*.py") if path.parent.name != "changes"
        for line, call in writes(path.read_text())
    }  # fmt: skip
    assert outside == set()


def test_the_search_for_writes_finds_them() -> None:
    assert writes('database["orders"].update_one({}, {})') == [(1, "update_one")]
    assert writes("collection.insert_many([])") == [(1, "insert_many")]
    assert writes("database[RUNS].insert_one({})") == []
    assert writes("database[ORDERS].delete_many({})") == [(1, "delete_many")]


def test_the_names_of_its_own_collections_begin_with_console() -> None:
    from services import saved
    from services.audit import log
    from services.backfills import packs, runs
    from services.changes import changeset, turns
    from services.operators import directory
    from services.reminders import lease, outbox, queue

    modules = (packs, runs, directory, outbox, queue, lease, log, changeset, saved, turns)
    for name in OWN:
        collection = next(getattr(module, name) for module in modules if hasattr(module, name))
        assert collection.startswith("console_")


def test_services_import_no_terminal_in_a_fresh_process() -> None:
    modules = [
        ".".join(path.relative_to(SERVICES.parent).with_suffix("").parts)
        for path in SERVICES.rglob("*.py") if path.name != "__init__.py"
    ]  # fmt: skip
    assert len(modules) > 30
    script = (
        f"import importlib, sys; [importlib.import_module(name) for name in {modules!r}]; "
        "roots = {name.split('.')[0] for name in sys.modules}; "
        "print(sorted(roots & {'textual', 'rich', 'typer', 'console', 'screens'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
