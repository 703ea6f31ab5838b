"""The person at the console, and what their roles allow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar, get_args

from services.audit.trail import Trail
from services.errors import BadRequest, NotPermitted
from services.records.masking import MASK, last_three, masked_view

T = TypeVar("T")
Role: TypeAlias = Literal["viewer", "support", "ops", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)

# Each role may do what the roles beside it may.
_INCLUDES: dict[Role, frozenset[Role]] = {
    "viewer": frozenset({"viewer"}),
    "support": frozenset({"viewer", "support"}),
    "ops": frozenset({"viewer", "support", "ops"}),
    "auditor": frozenset({"viewer", "auditor"}),
}


@dataclass(frozen=True)
class Operator:
    """An account that logged in, with the roles that this database gives it."""

    account: str
    roles: tuple[Role, ...]
    source: str = ""
    """Where the login came from, as SSH tells it; empty at the machine itself."""
    trail: Trail = field(default_factory=Trail, compare=False, repr=False)
    """What this login writes goes into its own streams of the audit trail."""

    def has(self, role: Role) -> bool:
        """Whether a role of this operator is, or includes, that role."""
        return any(role in _INCLUDES[mine] for mine in self.roles)

    def require(self, role: Role, action: str) -> None:
        """Raise NotPermitted unless the operator has the role; called before anything is read or written."""
        if not self.has(role):
            raise NotPermitted(
                "not-permitted",
                f"{self.account} ({self.held}) may not {action}; that needs the role {role}. "
                "An operator with the role ops can give it: operators add ACCOUNT --role ROLE.",
            )

    @property
    def held(self) -> str:
        """The roles in words."""
        return ", ".join(self.roles) or "no role"

    @property
    def masked(self) -> bool:
        """Whether phones and addresses are masked for this operator."""
        return not (self.has("support") or self.has("auditor"))


def read_role(text: str) -> Role:
    """A role that a person typed.

    Raises BadRequest for a word that is none.
    """
    for role in ROLES:
        if text.strip().lower() == role:
            return role
    raise BadRequest("unknown-role", f"{text!r} is no role; the roles are {', '.join(ROLES)}.")


def shown_to(operator: Operator, view: T) -> T:
    """What a service is about to show; for an operator who may not see them without phones and addresses."""
    return masked_view(view) if operator.masked else view


def mask_phone(phone: str, operator: Operator) -> str:
    """The phone, or its last three digits for an operator who may not see it."""
    return last_three(phone) if operator.masked and phone else phone


def mask_address(address: str, operator: Operator) -> str:
    """The address, or a row of dots for an operator who may not see it."""
    return MASK if operator.masked and address else address
