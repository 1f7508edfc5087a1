"""Nothing that a visitor or a file says is executed, and the door is shut unless it was opened."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import app as server

ROOT = Path(__file__).parents[2]
FILES = [
    ROOT / "app.py",
    *(f for d in ("engine", "pages", "scripts") for f in (ROOT / d).rglob("*.py")),
]
EXECUTING = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "jsonpickle",
}
BUILT_IN = {"eval", "exec", "compile", "__import__"}


def nodes() -> Iterator[tuple[str, ast.AST]]:
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            yield f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node


def calls() -> Iterator[tuple[str, str, dict[str, object]]]:
    """Where, what as it is written, and the constants given by name."""
    for where, node in nodes():
        if isinstance(node, ast.Call):
            given = {
                k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)
            }
            yield where, ast.unparse(node.func), given  # type: ignore[misc]


def test_no_pickle_is_loaded_and_no_text_is_run() -> None:
    loads = 0
    for where, node in nodes():
        if isinstance(node, ast.Import):
            assert not {alias.name.partition(".")[0] for alias in node.names} & EXECUTING, where
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in EXECUTING, where
    for where, call, given in calls():
        assert call not in BUILT_IN, where
        assert not call.endswith(("read_pickle", "cache_data")), where  # st.cache_data pickles
        if call in ("np.load", "numpy.load", "np.savez", "np.savez_compressed"):
            assert given.get("allow_pickle") is False, where
            loads += 1
        if call == "torch.load":
            assert given.get("weights_only") is True, where
    assert loads > 3


def test_no_shell_is_started_and_no_text_becomes_markup() -> None:
    for where, call, given in calls():
        assert call not in ("os.system", "os.popen", "subprocess.getoutput"), where
        assert given.get("shell") is not True, where
        assert given.get("unsafe_allow_html") is not True, where
        assert given.get("unsafe_allow_javascript") is not True, where
    html = [ast.unparse(node.args[0]) for _, node in nodes() if _is_html(node)]  # type: ignore[attr-defined]
    assert set(html) <= {"STYLE", "PROJECTOR"}  # files of ours


def _is_html(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in (
        "st.html",
        "st.components.v1.html",
    )


@pytest.mark.parametrize("said", [None, "", "0", "true", "yes", "11", " 1"])
def test_it_listens_on_loopback_unless_the_flag_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, said: str | None
) -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["address"] == "127.0.0.1"
    for name in ("WORKINGS_OPEN", "WORKINGS_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORKINGS_LECTURE", "1")  # a projector's type size opens nothing
    if said is not None:
        monkeypatch.setenv("WORKINGS_OPEN", said)
    assert not {"server.address", "server.allowedHosts"} & server.settings().keys()


def test_only_who_develops_sees_mistakes_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["client"]["showErrorDetails"] == "none"
    monkeypatch.delenv("WORKINGS_DEV", raising=False)
    assert "client.showErrorDetails" not in server.settings()
    monkeypatch.setenv("WORKINGS_DEV", "1")
    assert server.settings()["client.showErrorDetails"] == "full"
    assert "WORKINGS_DEV=1 $(PY) app.py" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_flag_opens_it_to_names_that_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKINGS_OPEN", "1")
    opened = server.settings()
    assert opened["server.address"] == "0.0.0.0"
    assert {"127.0.0.1", "localhost"} < set(opened["server.allowedHosts"])
    assert "*" not in "".join(opened["server.allowedHosts"])


@pytest.mark.parametrize("port", ["0", "65536", "-1", "8501x", "9" * 5000, "²"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("WORKINGS_PORT", port)
    with pytest.raises(SystemExit, match=r"^WORKINGS_PORT must lie in \[1, 65535\], got "):
        server.settings()
