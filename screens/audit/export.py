"""Taking entries out of the audit trail: a file, and the reason that the trail keeps."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text

from screens.asking import Question
from screens.audit.filters import Words, in_words
from screens.context import Context
from screens.widgets.field import Field
from screens.widgets.save import FileDialog

if TYPE_CHECKING:
    from services.audit.export import Exported


class ExportDialog(FileDialog["Exported"]):
    """Writes the entries that fit some filters."""

    DEED = "Export"
    DEFAULT_CSS = "ExportDialog Field > Label { width: 9; }"

    def __init__(self, context: Context, words: Words) -> None:
        about = Text.assemble(
            in_words(words),
            "\n\nOn the machine where this console runs. The ending says the format: .jsonl, signed and to be "
            "checked without the database; .csv; .xlsx.",
        )
        super().__init__("Export the entries", about, f"audit-{context.today()}.jsonl")
        self.context = context
        self._words = words

    def more(self) -> Iterable[Field]:
        """Why."""
        yield Field("Reason", id="reason", explains="It is kept in the trail.", max_length=500)

    def write(self, path: str, *, replace: bool) -> Question[Exported]:
        """Writes them, and the export itself into the trail."""
        return partial(_export, self.context, self._words, path, self.query_one("#reason", Field).value, replace)


async def _export(context: Context, words: Words, typed: str, reason: str, replace: bool) -> Exported:
    from services.audit.export import export, format_of
    from services.exports.files import path_of
    from services.history.asked import read_asked

    path, operator = path_of(typed), context.operator
    filters = await read_asked(context.database, operator, words)
    return await export(
        context.database, operator, context.clock, filters, path, format_of(path), reason,
        replace=replace, sign=operator.trail.signer.seal,
    )  # fmt: skip
