"""`audit seal|verify|prove|check-proof|key`: the log that seals the trail, its check, and proofs of single entries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from console.command import Json, finish, run, settings_of
from console.commands.audit.group import Keys, app
from console.naming import whole_id
from console.output import Answer, Block, Line, Pairs, Table, progress_bar

if TYPE_CHECKING:
    from console.session import Session
    from services.audit.prove import Proven
    from services.audit.verify import Verification

_TOLD = 50
"""So many problems are told on a terminal; JSON has all that are listed."""


@app.command("seal")
def seal_entries(context: typer.Context, as_json: Json = False) -> None:
    """Take every entry that is not sealed yet into the log, older ones and those of other writers too."""

    async def work(session: Session) -> Answer:
        from services.audit.seal import seal_everything

        with progress_bar() as bar:
            newest = await seal_everything(
                session.database, session.operator, session.clock, progress=lambda done, of: bar("Sealing", done, of)
            )
        if newest is None:
            return Answer({"checkpoint": None}, [Line("There is nothing to seal.")])
        entries = "1 entry is" if newest.size == 1 else f"{newest.size:,} entries are"
        told = f"{entries} sealed; the newest checkpoint is number {newest.number}."
        return Answer({"checkpoint": newest.model_dump()}, [Line(told)])

    run(context, work, as_json=as_json)


@app.command("verify")
def verify_trail(
    context: typer.Context,
    key: Keys = None,
    checkpoints: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Copies of checkpoints kept outside the database.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compute every hash again from what is stored, and compare it with the log; exit 1 where something is wrong."""

    async def work(session: Session) -> Answer:
        from services.audit.verify import verify

        settings = session.settings
        with progress_bar() as bar:
            found = await verify(
                session.database, session.operator, trusted=key or settings.audit_trusted_keys,
                copies=checkpoints or settings.audit_checkpoints,
                progress=lambda done, of: bar("Checking", done, of),
            )  # fmt: skip
        document = {
            "entries": found.entries, "sealed": found.sealed, "unsealed": found.unsealed, "adopted": found.adopted,
            "checkpoints": found.checkpoints, "newest_checkpoint": found.newest, "pinned": found.pinned,
            "problem_count": found.problem_count, "problems": found.problems,
        }  # fmt: skip
        return Answer(document, _verification(found), 1 if found.problem_count else 0)

    run(context, work, as_json=as_json)


def _verification(found: Verification) -> list[Block]:
    from services.audit.verify import NOTHING_SEALED, OF_THE_TRAIL

    keys = "against trusted keys" if found.pinned else "against the keys that the database itself names"
    newest = "" if found.newest is None else f", the newest is number {found.newest}"
    blocks: list[Block] = [
        Pairs((
            ("Entries", f"{found.entries:,}"),
            ("Sealed", f"{found.sealed:,}, of them {found.adopted:,} by other writers"),
            ("Not sealed yet", f"{found.unsealed:,}"),
            ("Checkpoints", f"{found.checkpoints:,}{newest}; signatures checked {keys}"),
        ))
    ]  # fmt: skip
    if not found.problem_count:
        whole = "Nothing was altered, removed, inserted or reordered." if found.sealed else NOTHING_SEALED
        return [*blocks, Line(f"{whole} {OF_THE_TRAIL}")]
    rows = [(problem.entry, problem.kind, problem.detail) for problem in found.problems[:_TOLD]]
    blocks += [
        Line("1 problem." if found.problem_count == 1 else f"{found.problem_count:,} problems."),
        Table(("Entry", "Problem", "What is wrong"), rows),
    ]
    return blocks + ([Line("--json lists more.")] if found.problem_count > _TOLD else [])


@app.command("prove")
def prove_entry(
    context: typer.Context,
    entry: Annotated[
        str, typer.Argument(metavar="ENTRY", help="The id of an audit entry, or a beginning that no other has.")
    ],
    to: Annotated[str | None, typer.Option("--to", metavar="FILE", help="Write the proof to a file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Prove that an entry stands in the sealed log; `audit check-proof` checks it without a database."""

    async def work(session: Session) -> Answer:
        from services.audit.prove import check, prove
        from services.changes.changeset import AUDIT_LOGS

        named = await whole_id(session, AUDIT_LOGS, entry)
        proof = await prove(session.database, session.operator, named)
        blocks = _proven(check(proof, session.settings.audit_trusted_keys))
        if to is not None:
            from services.exports.files import path_of, write_file

            def write(stream: BinaryIO) -> None:
                stream.write(proof.model_dump_json(by_alias=True).encode() + b"\n")

            path = path_of(to)
            write_file(path, write, replace=force)
            blocks.append(Line(f"The proof is in {path}, readable by you alone."))
        return Answer(proof.model_dump(by_alias=True), blocks)

    run(context, work, as_json=as_json)


@app.command("check-proof")
def check_file(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A proof that `audit prove` wrote.")],
    key: Keys = None,
    as_json: Json = False,
) -> None:
    """Check a proof by itself, without a database; exit 1 where it does not hold."""
    from services.audit.prove import check, read_proof_file

    proven = check(read_proof_file(path), key or settings_of(context).audit_trusted_keys)
    finish(Answer({"proven": proven}, _proven(proven)), as_json=as_json)


def _proven(proven: Proven) -> list[Block]:
    from services.clock import format_moment, read_timestamp

    key = proven.public_key + ("" if proven.pinned else " (not one that you named as trusted)")
    facts = Pairs((
        ("Entry", proven.entry), ("Leaf", f"{proven.index:,}"), ("Checkpoint", f"number {proven.checkpoint}"),
        ("Sealed at", f"{format_moment(read_timestamp(proven.at))} India time"), ("Signed by", key),
    ))  # fmt: skip
    whose = "a key that you trust" if proven.pinned else "the key that it names; --key holds it to one that you know"
    verdict = "The proof holds: the entry stood in the sealed log, unaltered, when this checkpoint was signed by"
    return [facts, Line(f"{verdict} {whose}.")]


@app.command("key")
def show_key(context: typer.Context, as_json: Json = False) -> None:
    """Show the public key that signs what this account seals; it is made where there is none yet."""
    from services.audit.signing import Signer

    settings = settings_of(context)
    signer = Signer.of(settings.audit_key)
    document = {"key": signer.key, "public": signer.public, "file": str(settings.audit_key)}
    pairs = (("Key", signer.key), ("Public key", signer.public), ("File", settings.audit_key))
    finish(Answer(document, [Pairs(pairs)]), as_json=as_json)
