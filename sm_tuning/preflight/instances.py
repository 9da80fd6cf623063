"""How much memory instances have."""

_GIB = 2**30
_FRACTIONS = {"medium": 0.25, "large": 0.5, "xlarge": 1.0}
_GENERAL = "m5"
_SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "12xlarge", "24xlarge")  # of the general family
# GiB of an xlarge; a size of n xlarge has n times as many. Of p2, p3 and families not listed nothing is known here.
_OF_XLARGE = {
    **dict.fromkeys(
        ("t3", "m4", "m5", "m6i", "m7i", "m8i", "m7i-flex", "m8i-flex", "g4dn", "g5", "g6", "g7", "trn1", "trn1n"), 16.0
    ),
    **dict.fromkeys(("c5", "c6i", "c7i", "c8i", "c7i-flex", "c8i-flex"), 8.0),
    **dict.fromkeys(("r5", "r5d", "r6i", "r7i", "r8i", "r8i-flex", "g6e", "p3dn"), 32.0),
    **dict.fromkeys(("p4d", "p4de"), 48.0),
    "c4": 7.5,
}


def memory(instance: str) -> int | None:
    """Bytes of memory of an instance type such as `ml.m5.xlarge`; None where they are not known."""
    family, _, size = instance.removeprefix("ml.").partition(".")
    count = size.removesuffix("xlarge")
    times = float(count) if count.isdigit() else _FRACTIONS.get(size)
    each = _OF_XLARGE.get(family)
    return None if each is None or times is None else int(each * times * _GIB)


def smallest(need: int) -> str | None:
    """The smallest general-purpose instance type with more memory than so many bytes; None if none has."""
    types = [f"ml.{_GENERAL}.{size}" for size in _SIZES]
    return next((kind for kind in types if (memory(kind) or 0) > need), None)
