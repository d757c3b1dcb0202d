"""Units of time and of measure, each with its size in a canonical unit."""

import re
from decimal import Decimal

_TIME = {
    "s": ("1", ("second", "sec")),
    "min": ("60", ("minute", "min", "mn")),
    "h": ("3600", ("hour", "hr", "h")),
    "d": ("86400", ("day", "d")),
    "w": ("604800", ("week", "wk")),
    "f": ("1209600", ("fortnight",)),
}
DURATIONS: dict[str, tuple[Decimal, str]] = {
    **{name: (Decimal(size), "s") for size, names in _TIME.values() for name in names},
    "month": (Decimal(1), "month"),
    "mo": (Decimal(1), "month"),
    "year": (Decimal(12), "month"),
    "yr": (Decimal(12), "month"),
    "decade": (Decimal(120), "month"),
    "working day": (Decimal(1), "workday"),
    "business day": (Decimal(1), "workday"),
    "work day": (Decimal(1), "workday"),
    "working hour": (Decimal(1), "workhour"),
    "business hour": (Decimal(1), "workhour"),
    "working week": (Decimal(5), "workday"),
    "night": (Decimal(1), "night"),
}
"""Unit of time, singular -> (size, canonical unit)."""

_LONG = sorted((name for name in DURATIONS if len(name) > 1), key=len, reverse=True)
DURATION = (
    "(?:" + "|".join(re.escape(name).replace(r"\ ", "[ -]") for name in _LONG) + r"|h|d)s?"
    r"(?![a-z])"
)

_METRIC = {
    "g": ("g", {"k": "1000", "m": "0.001", "": "1"}, ("gram", "gramme")),
    "m": ("m", {"k": "1000", "c": "0.01", "m": "0.001", "": "1"}, ("metre", "meter")),
    "l": ("l", {"m": "0.001", "c": "0.01", "": "1"}, ("litre", "liter")),
    "W": ("W", {"k": "1000", "M": "1000000", "": "1"}, ("watt",)),
    "Wh": ("Wh", {"k": "1000", "M": "1000000", "": "1"}, ("watt-hour",)),
    "V": ("V", {"k": "1000", "m": "0.001", "": "1"}, ("volt",)),
    "A": ("A", {"m": "0.001", "": "1"}, ("amp", "ampere")),
    "Ah": ("Ah", {"m": "0.001", "": "1"}, ()),
    "Hz": ("Hz", {"k": "1000", "M": "1000000", "G": "1000000000", "": "1"}, ("hertz",)),
    "bar": ("bar", {"": "1", "m": "0.001"}, ()),
}
_NAMES = {"k": "kilo", "c": "centi", "m": "milli", "M": "mega", "G": "giga"}
_OTHER = {
    "kilo": ("1000", "g"), "kilos": ("1000", "g"), "mcg": ("0.000001", "g"),
    "tonne": ("1000000", "g"), "tonnes": ("1000000", "g"),
    "lb": ("1", "lb"), "lbs": ("1", "lb"), "oz": ("1", "oz"), "stone": ("1", "stone"),
    "ft": ("12", "inch"), "foot": ("12", "inch"), "feet": ("12", "inch"), "inch": ("1", "inch"),
    "inches": ("1", "inch"), "yard": ("36", "inch"), "yards": ("36", "inch"),
    "mile": ("1", "mile"), "miles": ("1", "mile"), "mph": ("1", "mph"), "km/h": ("1", "km/h"),
    "°C": ("1", "C"), "°F": ("1", "F"), "degrees": ("1", "degree"), "°": ("1", "degree"),
    "px": ("1", "px"), "pixels": ("1", "px"), "pixel": ("1", "px"), "dpi": ("1", "dpi"),
    "MP": ("1", "MP"), "megapixels": ("1", "MP"), "ms": ("1", "ms"), "dB": ("1", "dB"),
    "bytes": ("1", "B"), "byte": ("1", "B"), "rpm": ("1", "rpm"), "gallons": ("1", "gallon"),
    "m²": ("1", "m2"), "sq m": ("1", "m2"), "square metres": ("1", "m2"), "lm": ("1", "lm"),
    "gallon": ("1", "gallon"), "metres long": ("1", "m"),
}  # fmt: skip
_DATA = {"K": "kilo", "M": "mega", "G": "giga", "T": "tera"}


def _measures() -> dict[str, tuple[Decimal, str]]:
    out = {name: (Decimal(size), unit) for name, (size, unit) in _OTHER.items()}
    for symbol, (unit, prefixes, names) in _METRIC.items():
        for prefix, size in prefixes.items():
            for name in (f"{_NAMES.get(prefix, '')}{n}{s}" for n in names for s in ("", "s")):
                out[name] = (Decimal(size), unit)
            out[prefix + symbol] = (Decimal(size), unit)
    out |= {name.upper(): out[name] for name in ("kg", "cm", "mm", "km", "ml")}
    for letter, name in _DATA.items():
        keys = [f"{letter}B", f"{letter}iB", f"{letter.lower()}b", f"{name}byte", f"{name}bytes"]
        out |= dict.fromkeys(keys, (Decimal(1), f"{letter}B"))
        rates = [f"{letter}bps", f"{letter}bit/s", f"{letter.lower()}bps", f"{name}bits per second"]
        out |= dict.fromkeys([*rates, f"{letter}b/s"], (Decimal(1), f"{letter}bps"))
    return out


MEASURES = _measures()
"""Unit of measure, as written -> (size, canonical unit)."""

MEASURE = "(?:" + "|".join(re.escape(u) for u in sorted(MEASURES, key=len, reverse=True)) + ")"
