import os
import pwd

import pytest

from console import login


def test_the_account_is_that_of_the_process_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "somebody-else")
    assert login.account() == pwd.getpwuid(os.getuid()).pw_name


def test_the_source_is_the_address_that_ssh_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.7 51234 10.0.0.1 22")
    assert login.source() == "10.0.0.7"
    monkeypatch.delenv("SSH_CONNECTION")
    assert login.source() == ""
