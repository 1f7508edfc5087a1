"""What a page sends to its own components is what they receive."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pages.ui.component import JS, packed, unpacked

words = st.text(st.characters(codec="utf-8"), max_size=20)
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
trees = st.recursive(
    leaves | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words.filter("$".__ne__), inner),
    max_leaves=12,
)
floats = arrays(np.float64, array_shapes(max_dims=3, max_side=4))


@given(st.dictionaries(words.filter("$".__ne__), trees), st.lists(floats, max_size=3))
def test_what_is_packed_comes_out(data: dict[str, Any], values: list[np.ndarray]) -> None:
    found = unpacked(packed({"rest": data, "values": values}))
    assert found["rest"] == data
    for got, want in zip(found["values"], values, strict=True):
        np.testing.assert_array_equal(got, want.ravel())  # NaN and infinity too


def test_numbers_cost_eight_bytes_and_no_text() -> None:
    few, many = (len(packed({"values": np.full(n, 1 / 3)})) for n in (100, 900))
    assert many - few == 8 * 800


@pytest.mark.parametrize("wrong", [float("nan"), {1, 2}, object()], ids=["NaN", "set", "object"])
def test_what_a_browser_could_not_read_is_refused(wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        packed({"value": wrong})


@pytest.mark.parametrize("own", sorted(JS.glob("*.js")), ids=lambda path: path.stem)
def test_no_script_declares_a_name_that_all_share(own: Path) -> None:
    def declared(path: Path) -> set[str]:
        names = r"^(?:async )?(?:function|const|let|class) (\w+)"
        return set(re.findall(names, path.read_text(encoding="utf-8"), re.MULTILINE))

    shared = JS / "shared.js"
    assert "received" in declared(shared)
    assert own == shared or not declared(own) & declared(shared)
    assert own == shared or "export default received(function" in own.read_text(encoding="utf-8")
