"""The orders of the sample shop in SQLite, and the shop's rules for changing them."""

import sqlite3
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

RETURN_DAYS, HAND_IN_DAYS, CHANGE_MINUTES = 45, 14, 60
CANCELLABLE = ("Received", "Confirmed", "On hold")
_SCHEMA = """
create table orders (
    number text primary key, email text, placed_at text, status text, total text, items text,
    address text, expected_on text, delivered_on text, tracking_url text
);
create table returns (
    number text primary key, order_number text, item text, unique (order_number, item)
);
create table answers (key text primary key, status integer, body text);
"""


class Unknown(Exception):  # noqa: N818
    """No such order, or not of this customer: which of the two isn't told."""


class TooLate(Exception):  # noqa: N818
    """The rules don't allow it any more."""


class Orders:
    """The orders, in memory or in a file; one connection, one caller at a time.

    Args:
        now: When it is; the samples are placed around it.
        path: The database.
    """

    def __init__(self, now: datetime, path: str = ":memory:") -> None:
        self.now = now
        self.changes: list[str] = []
        self.lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        if not self._db.execute("select 1 from sqlite_master where name = 'orders'").fetchone():
            self._db.executescript(_SCHEMA)
            self._db.executemany(f"insert into orders values ({','.join('?' * 10)})", _samples(now))

    def close(self) -> None:
        """Closes the database."""
        self._db.close()

    def find(self, number: str, email: str) -> dict[str, Any]:
        """An order as the flows see it."""
        row = self._db.execute(
            "select * from orders where number = ? and lower(email) = lower(?)", (number, email)
        ).fetchone()
        if row is None:
            raise Unknown
        placed = datetime.fromisoformat(row["placed_at"])
        fresh = self.now - placed <= timedelta(minutes=CHANGE_MINUTES)
        left = self._return_by(row["delivered_on"])
        found = {
            "number": number,
            "status": row["status"],
            "placed_on": placed.date().isoformat(),
            "total": row["total"],
            "items": row["items"].split(";"),
            "address": row["address"],
            "expected_on": row["expected_on"],
            "delivered_on": row["delivered_on"],
            "return_by": left,
            "tracking_url": row["tracking_url"],
            "cancellable": row["status"] in CANCELLABLE,
            "changeable": row["status"] == "Received" and fresh,
            "returnable": bool(left and left >= self.now.date().isoformat()),
        }
        return {name: value for name, value in found.items() if value is not None}

    def cancel(self, number: str, email: str) -> dict[str, Any]:
        """Cancels an order; what it cost is refunded."""
        order = self.find(number, email)
        if not order["cancellable"]:
            raise TooLate
        self._db.execute("update orders set status = 'Cancelled' where number = ?", (number,))
        self.changes.append(f"cancel {number}")
        return {"refund": order["total"]}

    def move(self, number: str, email: str, address: str) -> dict[str, Any]:
        """Sends an order to another address."""
        if not self.find(number, email)["changeable"]:
            raise TooLate
        self._db.execute("update orders set address = ? where number = ?", (address, number))
        self.changes.append(f"move {number}")
        return {"delivery_address": address}

    def take_back(self, number: str, email: str, item: str) -> dict[str, Any]:
        """Registers a return; an item can be sent back once."""
        order = self.find(number, email)
        if not order["returnable"] or item not in order["items"]:
            raise TooLate
        count = self._db.execute("select count(*) from returns").fetchone()[0]
        name = f"RT-{count + 1:06d}"
        try:
            self._db.execute("insert into returns values (?, ?, ?)", (name, number, item))
        except sqlite3.IntegrityError:
            raise TooLate from None
        self.changes.append(f"return {number} {item}")
        until = self.now.date() + timedelta(days=HAND_IN_DAYS)
        return {"return_number": name, "hand_in_by": until.isoformat()}

    def answered(self, key: str) -> Mapping[str, Any] | None:
        """The answer that was given for an idempotency key."""
        found: sqlite3.Row | None = self._db.execute(
            "select status, body from answers where key = ?", (key,)
        ).fetchone()
        return dict(found) if found else None

    def keep_answer(self, key: str, status: int, body: str) -> None:
        """Keeps an answer for its key."""
        self._db.execute("insert into answers values (?, ?, ?)", (key, status, body))

    def _return_by(self, delivered: str | None) -> str | None:
        if delivered is None:
            return None
        return (datetime.fromisoformat(delivered) + timedelta(days=RETURN_DAYS)).date().isoformat()


def _samples(now: datetime) -> list[tuple[str | None, ...]]:
    """An order in each status, some minutes to some months old."""

    def day(days: int) -> str:
        return (now + timedelta(days=days)).date().isoformat()

    def ago(**given: int) -> str:
        return (now - timedelta(**given)).isoformat(timespec="seconds")

    home, mail = "4 Mill Lane, Dunbrack", "sam@mail.example"
    track = "https://fernway.example.com/track/"
    return [
        ("FW-20418833", mail, ago(minutes=20), "Received", "€129.90",
         "Hollin tent pegs;Corrie 2 tent", home, day(4), None, None),
        ("FW-20418834", mail, ago(hours=5), "Confirmed", "€59.00",
         "Merino base layer", home, day(3), None, None),
        ("FW-20410007", mail, ago(days=1), "Packing", "€84.50",
         "Trail running shoes", home, day(2), None, None),
        ("FW-20400123", mail, ago(days=3), "Dispatched", "€219.00",
         "Down jacket;Camping stove", home, day(1), None, f"{track}20400123"),
        ("FW-20390456", mail, ago(days=12), "Delivered", "€310.00",
         "Leather boots;Rucksack 40 l;Merino socks", home, day(-8), day(-8), f"{track}20390456"),
        ("FW-20230999", "kim@mail.example", ago(days=120), "Delivered", "€45.00",
         "Head torch", "9 Harbour Road, Port Sallow", day(-115), day(-115), None),
    ]  # fmt: skip
