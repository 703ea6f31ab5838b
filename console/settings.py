"""What the console is told before it starts: flags, then environment variables, then a TOML file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from console.folders import data_folder
from services.errors import BadRequest

if TYPE_CHECKING:
    from services.operators.operator import Role
    from services.reminders.providers.account import Account
    from services.reminders.recipients import Language

_BACKEND_NAMES = {"uri": "MONGO_URL", "db": "DB_NAME"}


class Settings(BaseSettings):
    """The settings of one run of the console."""

    model_config = SettingsConfigDict(
        env_prefix="DELIVERY_CONSOLE_", env_ignore_empty=True, extra="forbid", frozen=True
    )

    uri: str | None = Field(default=None, repr=False)
    """The MongoDB to use; it may hold a password and is never shown."""
    db: str | None = None
    environment: Literal["production", "staging", "demo"] | None = None
    """The label on screen; without one the database's marker decides, else it is production."""
    operator: str | None = None
    """An account to act as, on demo and test databases only."""
    theme: str | None = None
    no_mouse: bool = False
    credit_days: int = Field(default=7, ge=0, le=90)
    batch_size: int = Field(default=500, ge=1, le=2_000)
    lease_seconds: int = Field(default=10, ge=2, le=300)
    approval_records: int | None = Field(default=None, ge=0)
    approval_rupees: int | None = Field(default=None, ge=0)
    """A plan of more records or rupees needs a second operator's approval; off unless set."""

    @property
    def approval_paise(self) -> int | None:
        """The limit in the console's own unit."""
        return None if self.approval_rupees is None else self.approval_rupees * 100

    audit_key: Path = Field(default_factory=lambda: data_folder() / "audit-key.pem")
    """The key that signs this account's seals of the audit log; made when it is first needed."""
    audit_checkpoints: Path | None = None
    """A file outside the database that gets a copy of every checkpoint, and that `audit verify` compares."""
    audit_trusted_keys: list[str] = []
    """The public keys (hex) that may have signed; without any, those that the database names."""
    password_viewer: SecretStr | None = None
    password_support: SecretStr | None = None
    password_ops: SecretStr | None = None
    password_auditor: SecretStr | None = None
    """For `db security apply`: the passwords of the database users that it makes."""

    @property
    def passwords(self) -> dict[Role, SecretStr]:
        """The passwords given, by the role of the database user."""
        given: dict[Role, SecretStr | None] = {
            "viewer": self.password_viewer, "support": self.password_support, "ops": self.password_ops,
            "auditor": self.password_auditor,
        }  # fmt: skip
        return {role: password for role, password in given.items() if password}

    reminder_provider: Literal["whatsapp", "myoperator"] | None = None
    reminder_token: SecretStr | None = None
    reminder_phone_number_id: str | None = None
    reminder_company_id: str | None = None
    """MyOperator's."""
    reminder_waba_id: str | None = None
    """The WhatsApp business account, where MyOperator asks for it."""
    reminder_url: str | None = None
    """Another address of the provider than its public one."""
    reminder_api_version: str | None = None
    reminder_template_english: str | None = None
    """The name of the approved template at the provider; without one, plain text is sent."""
    reminder_template_telugu: str | None = None
    reminder_language: Literal["en", "te"] = "en"
    """The language of customers whose record names none."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags first, then our variables, then the backend's, then the file."""
        backend = {field: os.environ[name] for field, name in _BACKEND_NAMES.items() if os.environ.get(name)}
        return (
            init_settings,
            env_settings,
            InitSettingsSource(settings_cls, init_kwargs=backend),
            TomlConfigSettingsSource(settings_cls),
        )

    def require_uri(self) -> str:
        """The database's address.

        Raises BadRequest where none was given.
        """
        if not self.uri:
            raise BadRequest(
                "no-uri",
                "No database was named. Give --uri mongodb://..., or set DELIVERY_CONSOLE_URI or MONGO_URL; "
                "`delivery-console demo` runs on a database of its own.",
            )
        return self.uri

    def reminder_account(self) -> Account:
        """The account at the provider of reminders."""
        from services.reminders.providers.account import Account

        names: dict[Language, str | None] = {"en": self.reminder_template_english, "te": self.reminder_template_telugu}
        return Account(
            kind=self.reminder_provider,
            token=self.reminder_token,
            phone_number_id=self.reminder_phone_number_id,
            company_id=self.reminder_company_id,
            waba_id=self.reminder_waba_id,
            base=self.reminder_url,
            version=self.reminder_api_version,
            templates={language: name for language, name in names.items() if name},
        )

    def require_db(self) -> str:
        """The database's name: as given, else the one in the address.

        Raises BadRequest where neither names one.
        """
        name = self.db or self.require_uri().partition("://")[2].partition("/")[2].partition("?")[0]
        if not name:
            raise BadRequest(
                "no-database", "The address names no database. Give --db NAME, or set DELIVERY_CONSOLE_DB or DB_NAME."
            )
        if len(name.encode()) > 63 or any(c in '/\\. "$*<>:|?\0' for c in name):
            raise BadRequest("bad-database", f"{name!r} cannot be the name of a MongoDB database.")
        return name


def load_settings(flags: Mapping[str, Any], config: Path | None = None) -> Settings:
    """The settings from the flags given (None means not given), the environment and the file.

    Raises BadRequest for a file that cannot be read, an unknown setting or a value that is none.
    """
    from_environment = os.environ.get("DELIVERY_CONSOLE_CONFIG")
    path = config or (Path(from_environment) if from_environment else None)
    given = {name: value for name, value in flags.items() if value is not None}
    if path is None:
        return _build(Settings, given)

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        if not path.is_file():
            raise BadRequest("bad-config", f"There is no settings file {path}.")
        return _build(FromFile, given)
    except tomllib.TOMLDecodeError as error:
        raise BadRequest("bad-config", f"The settings file {path} is not valid TOML: {error}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest("bad-config", f"The settings file {path} cannot be read: {error}.") from error


def _build(kind: type[Settings], given: Mapping[str, Any]) -> Settings:
    try:
        return kind(**given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(map(str, first["loc"])) or "settings"
        known = ", ".join(Settings.model_fields)
        unknown = first["type"] == "extra_forbidden"
        reason = f"there is no such setting; the settings are {known}" if unknown else first["msg"]
        raise BadRequest("bad-setting", f"The setting {name} is not usable: {reason}.") from None
