"""The settings that a lecture hall and a visitor's safety rest on."""

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from engine import compiled

ROOT = Path(__file__).parents[2]
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("server", "fileWatcherType", "none"),
        ("server", "address", "127.0.0.1"),
        ("server", "headless", True),
        ("server", "maxUploadSize", 10),
        ("server", "maxWidgetStateSize", 2),
        ("runner", "fastReruns", False),
        ("runner", "postScriptGC", False),
        ("client", "showErrorDetails", "none"),
        ("client", "toolbarMode", "viewer"),
        ("browser", "gatherUsageStats", False),
    ],
)
def test_a_setting_is_as_measured(section: str, name: str, value: Any) -> None:
    assert CONFIG[section][name] == value
    assert type(CONFIG[section][name]) is type(value)


def test_protection_is_on_and_other_doors_are_shut() -> None:
    server = CONFIG["server"]
    assert server.get("enableCORS", True) is True
    assert server.get("enableXsrfProtection", True) is True
    assert server.get("enableStaticServing", False) is False
    assert server.get("enableAgentApi", False) is False


def options(table: dict[str, Any], section: str) -> list[str]:
    names = []
    for name, value in table.items():
        if isinstance(value, dict):
            names += options(value, f"{section}.{name}")
        else:
            names.append(f"{section}.{name}")
    return names


def test_streamlit_knows_every_setting_and_warns_of_none() -> None:
    wanted = [name for section, table in CONFIG.items() for name in options(table, section)]
    code = (
        "import streamlit.config as c; known = c.get_config_options(); "
        f"print([name for name in {wanted!r} if name not in known])"
    )
    fresh = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert fresh.stdout.strip() == "[]"
    assert fresh.stderr == ""


def luminance(colour: str) -> float:
    """WCAG's relative luminance."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_marks_can_be_read(theme: str) -> None:
    colours = CONFIG["theme"][theme]
    for ground in ("backgroundColor", "secondaryBackgroundColor"):
        assert contrast(colours["textColor"], colours[ground]) >= 7
        assert contrast(colours["primaryColor"], colours[ground]) >= 4.5
    for mark in CONFIG["theme"]["chartCategoricalColors"]:
        assert contrast(mark, colours["backgroundColor"]) >= 3


def test_both_themes_have_the_same_keys_and_six_different_marks() -> None:
    theme = CONFIG["theme"]
    assert set(theme["light"]) == set(theme["dark"])
    assert len(set(theme["chartCategoricalColors"])) == 6


def test_the_font_is_in_the_repository() -> None:
    (face,) = CONFIG["theme"]["fontFaces"]
    assert (ROOT / face["url"].lstrip("/")).read_bytes()[:4] == b"wOF2"


# scripts/browser.py, which `make test` asks for a Chromium.


def loaded(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def browser() -> ModuleType:
    return loaded("scripts/browser.py")


def executable(path: Path) -> str:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_a_named_browser_goes_before_those_on_the_path(
    browser: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    on_path = executable(tmp_path / "chromium")
    mine = executable(tmp_path / "mine")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("WORKINGS_CHROMIUM", raising=False)
    assert browser.find() == on_path
    monkeypatch.setenv("WORKINGS_CHROMIUM", mine)
    assert browser.find() == browser.ensure() == mine


def test_a_named_browser_that_is_not_there_is_not_replaced(
    browser: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORKINGS_CHROMIUM", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit, match=r"^WORKINGS_CHROMIUM=.*nowhere cannot be run\.$"):
        browser.ensure()


def test_without_any_browser_one_sentence_says_what_to_do(
    browser: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WORKINGS_CHROMIUM", raising=False)
    tried: list[str] = []
    monkeypatch.setattr(browser, "find", lambda: None)
    monkeypatch.setattr(browser, "_by_apt", lambda: tried.append("apt"))
    monkeypatch.setattr(browser, "_by_playwright", lambda: tried.append("playwright"))
    with pytest.raises(SystemExit) as caught:
        browser.ensure()
    assert tried == ["apt", "playwright"]
    assert str(caught.value) == browser.MISSING


def test_a_machine_too_slow_to_compile_ahead_is_ready_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody waits for machine code any longer, and what is imported is kept out of the GC."""

    class Slow:
        kill = staticmethod(lambda: None)

        def wait(self, seconds: float) -> None:
            done.append("waited")
            raise subprocess.TimeoutExpired("compiling", seconds)

    server, done = loaded("app.py"), []
    monkeypatch.setattr(server.subprocess, "Popen", lambda *_, **__: Slow())
    monkeypatch.setattr(server.gc, "freeze", lambda: done.append("frozen"))
    monkeypatch.setattr("engine.warm.kernels", lambda: done.append("compiled"))
    server.warm()
    assert done == ["waited", "compiled", "frozen"]
    assert compiled.AHEAD.is_set()
