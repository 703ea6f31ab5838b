"""The command group, and what its commands share."""

from typing import Annotated

import typer

from console.command import group

app = group("Preview repairs of the data, commit them, follow them.")

RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run, as the preview named it.")]
