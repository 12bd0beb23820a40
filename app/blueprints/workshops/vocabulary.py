"""The words that a workshop's settings are chosen from: countries, currencies, locales, time zones, trades."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache

from phonenumbers import SUPPORTED_REGIONS

# What a workshop is good at. A list and no free words, because people filter the directory by it across workshops.
SPECIALISATIONS = (
    "air_conditioning",
    "bodywork",
    "brakes",
    "classic_cars",
    "clutch_and_transmission",
    "diagnostics",
    "electrical",
    "electric_and_hybrid",
    "engine",
    "exhaust",
    "general_repair",
    "glass",
    "inspection",
    "lpg",
    "maintenance",
    "motorcycles",
    "paint",
    "suspension_and_steering",
    "trucks",
    "tyres",
    "vans_and_campers",
)

# ISO 3166-1 alpha-2, as far as there are telephones: the country is where phone numbers are read.
COUNTRIES = tuple(sorted(SUPPORTED_REGIONS))

# ISO 4217 (2026): the currencies that are divided by a hundred, as amounts are kept here.
_HUNDREDTHS = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP
    CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES
    KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK
    NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB
    TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG
"""
CURRENCIES = tuple(_HUNDREDTHS.split())

# BCP 47 tags in the languages that mails are written in, with the regions whose dates and numbers differ.
LANGUAGES = ("en", "pl", "de")
LOCALES = (
    "en", "en-AU", "en-CA", "en-GB", "en-IE", "en-IN", "en-NZ", "en-US", "en-ZA",
    "pl", "pl-PL",
    "de", "de-AT", "de-CH", "de-DE", "de-LI", "de-LU",
)  # fmt: skip

# Of the countries with several zones those in which nearly everybody lives in one (CLDR's primary zones).
_CHIEF_ZONES = {
    "CL": "America/Santiago", "CN": "Asia/Shanghai", "DE": "Europe/Berlin", "EC": "America/Guayaquil", "ES": "Europe/Madrid",
    "MY": "Asia/Kuala_Lumpur", "NZ": "Pacific/Auckland", "PT": "Europe/Lisbon", "UA": "Europe/Kiev", "UZ": "Asia/Tashkent",
}  # fmt: skip


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """Return the names of the IANA time zones; looked up at the first use, which a server that starts does not pay for."""
    return frozenset(zoneinfo.available_timezones()) - {"Factory", "localtime", "posixrules"}  # no places


def locale_of(country: str) -> str:
    """Return the locale to begin with in a country: its own where there is one, else English."""
    return next((tag for tag in LOCALES if tag.endswith(f"-{country}")), "en")


def currency_of(country: str) -> str:
    """Return the currency to begin with in a country: its legal tender where it is divided by a hundred, else US dollars."""
    from babel.numbers import get_territory_currencies  # read at the first founding, not at each start

    return next((code for code in get_territory_currencies(country) if code in CURRENCIES), "USD")


def time_zone_of(country: str) -> str:
    """Return the time zone to begin with in a country: its chief or only one, else UTC, since the rest is a guess."""
    from babel.core import get_global

    zones = [zone for zone, where in get_global("zone_territories").items() if where == country]
    zone = _CHIEF_ZONES.get(country) or (zones[0] if len(zones) == 1 else "UTC")
    return zone if zone in time_zones() else "UTC"
