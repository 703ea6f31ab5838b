"""`audit export` and `audit check-export`: the trail as a file, and that file by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.command import Json, finish, run, settings_of
from console.commands.audit.group import Keys, Words, app, filtered_to_file, filters_of
from console.output import Answer, Line

if TYPE_CHECKING:
    from console.session import Session


@app.command("export")
@filtered_to_file
def export_entries(
    context: typer.Context,
    words: Words,
    to: Annotated[str, typer.Option("--to", metavar="FILE", help="The file to write.")],
    reason: Annotated[str, typer.Option(metavar="R", help="Why, for the record.")],
    format_name: Annotated[
        str | None, typer.Option("--format", metavar="F", help="jsonl, csv or xlsx; else by the file's ending.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Json = False,
) -> None:
    """Write the entries that match to a file; the audit trail has who and why before the first is read."""

    async def work(session: Session) -> Answer:
        from services.audit.export import export, format_of
        from services.exports.files import path_of

        path, filters = path_of(to), await filters_of(session, words)
        done = await export(
            session.database, session.operator, session.clock, filters, path, format_of(path, format_name),
            reason, replace=force, sign=session.operator.trail.signer.seal,
        )  # fmt: skip
        document = {
            "file": str(done.path), "format": done.format, "entries": done.entries, "bytes": done.size,
            "manifest": done.manifest, "doubts": done.doubts,
        }  # fmt: skip
        entries = "1 entry is" if done.entries == 1 else f"{done.entries:,} entries are"
        told = f"{entries} in {done.path}: {done.size:,} bytes, readable by you alone. Whether any is missing, or the "
        told += "trail was altered otherwise, `audit verify` tells."
        return Answer(document, [Line(told), *(Line(each) for each in done.doubts_told)])

    run(context, work, as_json=as_json)


@app.command("check-export")
def check_file(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A .jsonl file that `audit export` wrote.")],
    key: Keys = None,
    as_json: Json = False,
) -> None:
    """Check an exported file by its manifest and signature, without a database; exit 1 where it does not hold."""
    from services.audit.export import check_export, manifest_bytes
    from services.audit.signing import is_sealed

    checked, trusted = check_export(path), key or settings_of(context).audit_trusted_keys
    seal = checked.signature or {}
    signed = is_sealed(seal, manifest_bytes(checked.manifest), trusted)
    if not checked.intact:
        told = (
            f"The file was changed: its manifest speaks of {checked.manifest.get('entries')} entries and another sum."
        )
    elif signed:
        by = f"{seal['public']}{'' if trusted else ' (not a key that you named as trusted)'}"
        told = f"All {checked.entries:,} entries are as they were exported, signed by {by}."
    else:
        told = f"The manifest of {checked.entries:,} entries is not signed by {'a trusted' if trusted else 'its'} key."
    document = {
        "intact": checked.intact, "signed": signed, "entries": checked.entries, "sha256": checked.sha256,
        "manifest": checked.manifest, "signature": checked.signature,
    }  # fmt: skip
    finish(Answer(document, [Line(told)], 0 if checked.intact and signed else 1), as_json=as_json)
