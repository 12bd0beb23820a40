"""Codes that scanners read, as rows of light and dark: EAN and UPC (ISO/IEC 15420), Code 128 (15417), QR (18004).

A bar code is a text of modules, `1` for dark; a QR code a square of them.
"""

from __future__ import annotations

LEFT_ODD = (
    "0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011",
)  # fmt: skip
# Which of the left half's digits are written in the even set: this says the first digit of an EAN-13.
PARITIES = (
    "000000", "001011", "001101", "001110", "010011", "011001", "011100", "010101", "010110", "011010",
)  # fmt: skip
# The widths of bars and gaps of the symbols of Code 128, by value; the last one is the stop.
WIDTHS = (
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213", "221312", "231212",
    "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132", "221231", "213212", "223112", "312131",
    "311222", "321122", "321221", "312212", "322112", "322211", "212123", "212321", "232121", "111323", "131123", "131321",
    "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331", "132131", "113123", "113321", "133121",
    "313121", "211331", "231131", "213113", "213311", "213131", "311123", "311321", "331121", "312113", "312311", "332111",
    "314111", "221411", "431111", "111224", "111422", "121124", "121421", "141122", "141221", "112214", "112412", "122114",
    "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111", "111242", "121142", "121241", "114212",
    "124112", "124211", "411212", "421112", "421211", "212141", "214121", "412121", "111143", "111341", "131141", "114113",
    "114311", "411113", "411311", "113141", "114131", "311141", "411131", "211412", "211214", "211232", "2331112",
)  # fmt: skip
START_B, START_C, STOP = 104, 105, 106


class NotWritable(ValueError):
    """The code has letters that a bar code has no symbols for."""


def ean(digits: str) -> str:
    """Return the modules of an EAN-13, UPC-A or EAN-8, whose check digit is right."""
    if len(digits) == 8:
        left = "".join(LEFT_ODD[int(digit)] for digit in digits[:4])
        return f"101{left}01010{_right(digits[4:])}101"
    thirteen = digits.zfill(13)  # a UPC-A is the EAN-13 that begins with 0
    pairs = zip(thirteen[1:7], PARITIES[int(thirteen[0])], strict=True)
    left = "".join(_left(digit, even=parity == "1") for digit, parity in pairs)
    return f"101{left}01010{_right(thirteen[7:])}101"


def _left(digit: str, *, even: bool) -> str:
    odd = LEFT_ODD[int(digit)]
    return _inverted(odd)[::-1] if even else odd


def _right(digits: str) -> str:
    return "".join(_inverted(LEFT_ODD[int(digit)]) for digit in digits)


def _inverted(modules: str) -> str:
    return modules.translate(str.maketrans("01", "10"))


def code_128(text: str) -> str:
    """Return the modules of a text in Code 128: pairs of digits where it has nothing else, else letter by letter.

    :raises NotWritable: it has letters beyond ASCII, or none.
    """
    if not text or not all(" " <= letter <= "~" for letter in text):
        raise NotWritable(text)
    if text.isdecimal() and len(text) % 2 == 0:
        values = [START_C, *(int(text[place : place + 2]) for place in range(0, len(text), 2))]
    else:
        values = [START_B, *(ord(letter) - 32 for letter in text)]
    check = sum(value * max(place, 1) for place, value in enumerate(values)) % 103
    return "".join(_bars(WIDTHS[value]) for value in [*values, check, STOP])


def _bars(widths: str) -> str:
    return "".join(("0" if place % 2 else "1") * int(width) for place, width in enumerate(widths))


def qr(text: str) -> list[list[bool]]:
    """Return the rows of a QR code, without its margin; as much as a seventh of it may be spoilt."""
    import segno

    return [[bool(module) for module in row] for row in segno.make_qr(text, error="m").matrix]


def runs(modules: str) -> list[tuple[int, int]]:
    """Return where the dark bars of a bar code are: from which module, and how many wide."""
    found, place = [], 0
    for bar in modules.replace("10", "1 0").replace("01", "0 1").split():
        if bar[0] == "1":
            found.append((place, len(bar)))
        place += len(bar)
    return found
