"""LaTeX to MathML: formulas that our own components and the handout draw without a script."""

import re
from functools import lru_cache

from latex2mathml.converter import convert

from engine.working import SLOT, bare

_PUT = re.compile(r"<mtext>@(\w+)@(!?)</mtext>")


@lru_cache(maxsize=2048)
def mathml(tex: str) -> str:
    r"""One formula. A slot ``@name@`` becomes an empty ``<mn data-slot="name">`` to be filled;
    where a negative number needs no brackets the slot is marked bare. The formula may go on in
    the next line at ``\allowbreak``."""

    def mark(match: re.Match[str]) -> str:
        return rf"\text{{@{match[1]}@{'!' if bare(match) else ''}}}"

    def slot(match: re.Match[str]) -> str:
        return f'<mn data-slot="{match[1]}" data-bare="{int(bool(match[2]))}"></mn>'

    pieces = SLOT.sub(mark, tex).split(r"\allowbreak")
    return _PUT.sub(slot, "".join(convert(piece) for piece in pieces))
