"""The group that the commands about orders belong to."""

from typing import Annotated

import typer

from console.command import group

app = group("Find orders, show everything about one, and change it.")

Named = Annotated[str, typer.Argument(metavar="ORDER_ID", help="The id, or a beginning that no other has.")]
