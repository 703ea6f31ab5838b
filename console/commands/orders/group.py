"""The group that the commands about orders belong to."""

from console.command import group

app = group("Find orders, show everything about one, and change it.")
