"""The screens by name; a screen's module is loaded when somebody goes there."""

from __future__ import annotations

from screens.place import Place


def build(name: str, environment: str) -> Place:
    """The screen of that name.

    Raises KeyError for a name that is none.
    """
    match name:
        case "home":
            from screens.home.screen import HomeScreen

            return HomeScreen(environment)
        case "orders":
            from screens.orders.screen import OrdersScreen

            return OrdersScreen(environment)
        case "deliveries":
            from screens.deliveries.screen import DeliveriesScreen

            return DeliveriesScreen(environment)
        case "billing":
            from screens.billing.screen import BillingScreen

            return BillingScreen(environment)
        case "audit":
            from screens.audit.screen import AuditScreen

            return AuditScreen(environment)
        case "reminders":
            from screens.reminders.screen import RemindersScreen

            return RemindersScreen(environment)
    raise KeyError(name)
