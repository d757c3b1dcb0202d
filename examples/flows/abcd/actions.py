"""Stand-ins for the back office of the ABCD guidelines: they remember what they were asked."""

from collections.abc import Mapping

from bot.dialogue.errors import Refused

CALLS: list[tuple[str, tuple[str, ...]]] = []
UNLIMITED = "gold"
REFUNDS = {"in progress": "credit card"}


def _called(name: str, *values: str) -> None:
    CALLS.append((name, values))


def pull_up_account(customer_name: str) -> Mapping[str, str]:
    """Loads an account; names need two words."""
    if len(customer_name.split()) < 2:
        raise Refused("unknown")
    _called("pull-up-account", customer_name.lower())
    return {"account": customer_name.title()}


def validate_purchase(username: str, email: str, order_id: str) -> Mapping[str, str]:
    """Confirms that a purchase is valid."""
    _called("validate-purchase", username, email, order_id)
    return {"purchase": order_id}


def membership(level: str, recent: str = "", receipt: str = "") -> Mapping[str, bool]:
    """Says whether an order can be returned."""
    _called("membership", level)
    return {"may_return": level == UNLIMITED or "yes" in (recent, receipt)}


def enter_details(details: str) -> Mapping[str, str]:
    """Keeps details of the customer."""
    _called("enter-details", details)
    return {"details": details}


def update_order(change: str) -> Mapping[str, str]:
    """Changes an order."""
    _called("update-order", change)
    return {"changed": change}


def verify_identity(customer_name: str, account_id: str, order_id: str) -> Mapping[str, str]:
    """Checks who the customer is."""
    _called("verify-identity", customer_name.lower(), account_id, order_id)
    return {"verified": customer_name.title()}


def ask_the_oracle(order_id: str) -> Mapping[str, bool]:
    """Says whether the company made a mistake: with orders that end in an even digit."""
    _called("ask-the-oracle")
    return {"our_mistake": int(order_id[-1]) % 2 == 0}


def fee_privilege(level: str) -> Mapping[str, bool]:
    """Says whether a member's fee is taken off in any case."""
    _called("membership", level)
    return {"waived": level in ("gold", "silver")}


def refund_status(order_id: str) -> Mapping[str, str]:
    """Looks up a refund."""
    ((status, way),) = REFUNDS.items()
    return {"refund_status": status, "refund_way": way}


def notify_team(team: str) -> Mapping[str, str]:
    """Tells a team inside the company."""
    _called("notify-team", team)
    return {"told": team}
