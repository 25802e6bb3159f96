"""Names that try to lead out of a folder, or to be taken for something else; the same for the same seed."""

from __future__ import annotations

import random
import string

STEPS = ("..", "../..", "../../../../../../..", "a/../..", "./..", "..//..", "x/./../..", ".../..", ". /..", ".. /..")
SLASHES = ("/", "\\", "%2f", "%5c", "%252f", "／", "⁄", "∕", "⧵", "﹨", "＼", "%c0%af", "%e2%81%84", "\u2044")
DOTS = ("..", "%2e%2e", "%2E%2e", ".%2e", "%252e%252e", "．．", "․․", "‥", "…", "%c0%ae%c0%ae", "%u002e%u002e", "．.")
CONTROL = ("\0", "\n", "\r", "\t", "\x1b[2J", "\x7f", "\x85", "\u2028", "\ufeff", "\u200b", "\u00ad", "\ud800")
TURNS = ("\u202e", "\u202d", "\u2066", "\u2067", "\u200f", "\u061c")
DEVICES = ("CON", "con.h5", "PRN", "aux.txt", "NUL", "nul.h5", "COM1", "com9.h5", "LPT1", "lpt3.nc", "COM0")
ABSOLUTE = (
    "/",
    "/etc/passwd",
    "//etc/passwd",
    "~/x",
    "~root/x",
    "C:\\x",
    "C:/x",
    "c:x",
    "\\\\host\\share",
    "file:///x",
)
OTHER = (
    *(
        "",
        " ",
        ".",
        "..",
        "./",
        "/.",
        "...",
        "-rf",
        "--help",
        "-",
        "x/",
        "x//y",
        " x",
        "x ",
        "x.",
        "x/ /y",
        "*.h5",
        "?",
    ),
    *(
        "?",
        "x|y",
        "a<b",
        "a>b",
        'a"b',
        "x:stream",
        "http://h/x",
        "a\\b",
        ".hidden",
        ".ssh/authorized_keys",
        "$(id)/../x",
    ),
    *(
        "a" * 256,
        "b/" * 600 + "c",
        "雨" * 100,
        "%",
        "%2",
        "%00",
        "x%00.h5",
        "%0a",
        "x/%2e%2e/%2e%2e/y",
        "..;/x",
        "..%00/x",
    ),
)


def names(count: int = 200, seed: int = 20) -> list[str]:
    """Return different hostile names: all that are listed, then compositions of them."""
    dice = random.Random(seed)
    found = dict.fromkeys((*OTHER, *ABSOLUTE, *DEVICES, *STEPS))
    found |= dict.fromkeys(f"x{mark}y" for mark in (*CONTROL, *TURNS))
    found |= dict.fromkeys(f"{dots}{slash}{dots}{slash}etc" for dots in DOTS for slash in SLASHES[:4])
    while len(found) < count:
        word = "".join(dice.choices(string.ascii_letters, k=4))
        dots, slash = dice.choice(DOTS), dice.choice(SLASHES)
        found[f"{word}{slash}{dots}{slash}" * dice.randrange(2, 5) + word] = None
    return list(found)


GOOD = (
    *(
        "lai.h5",
        "MuSyQ.LAI.1km.global.2015001.v1.h5",
        "a/b/c.csv",
        "植被/叶面积指数 2015.nc",
        "x-y_z.tar.gz",
        "Ü.h5",
        "1",
    ),
    *(
        "a..b",
        "v1.0",
        "a+b",
        "com10",
        "console.txt",
        "nullable",
        "a~",
        "été.h5",
        "x,y",
        "a'b",
        "a;b",
        "(1)",
    ),
)
