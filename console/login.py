"""Who sits at the terminal: the account that logged in, and where from."""

from __future__ import annotations

import os
import pwd

from services.errors import NotPermitted


def account() -> str:
    """The account of this process, from its user id: $USER and $LOGNAME can be set by anybody."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise NotPermitted("no-account", f"The user id {uid} belongs to no account on this machine.") from None


def source() -> str:
    """The address that the SSH login came from; empty at the machine itself."""
    return os.environ.get("SSH_CONNECTION", "").partition(" ")[0]
