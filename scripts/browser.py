"""Find a Chromium for the browser tests, or install one.

python scripts/browser.py      prints its path
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "~/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "%PROGRAMFILES%/Google/Chrome/Application/chrome.exe",
    "%PROGRAMFILES(X86)%/Google/Chrome/Application/chrome.exe",
    "%LOCALAPPDATA%/Google/Chrome/Application/chrome.exe",
)
MISSING = (
    "No Chromium or Chrome found and none could be installed: "
    "install one, or name it in WORKINGS_CHROMIUM."
)


def find() -> str | None:
    """The path of an installed Chromium or Chrome; WORKINGS_CHROMIUM goes before all others."""
    named = os.environ.get("WORKINGS_CHROMIUM")
    if named:
        return shutil.which(named)
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    for place in PLACES:
        path = Path(os.path.expandvars(place)).expanduser()
        if path.is_file():
            return str(path)
    return _playwrights_own()


def ensure() -> str:
    """A Chromium's path, installing one if there is none; exits with one sentence if that fails."""
    if os.environ.get("WORKINGS_CHROMIUM") and not find():
        raise SystemExit(f"WORKINGS_CHROMIUM={os.environ['WORKINGS_CHROMIUM']} cannot be run.")
    path = find()
    for install in (_by_apt, _by_playwright):
        if not path:
            install()
            path = find()
    if not path:
        raise SystemExit(MISSING)
    return path


def _playwrights_own() -> str | None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def _by_apt() -> None:
    if not shutil.which("apt-get"):
        return
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if sudo and not _runs([*sudo, "true"]):
        return
    print("Installing Chromium with apt-get.", file=sys.stderr)
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"]
    if _runs([*apt, "update"]):
        _runs([*apt, "install", "chromium"])


def _by_playwright() -> None:
    print("Installing Chromium with playwright.", file=sys.stderr)
    _runs([sys.executable, "-m", "playwright", "install", "chromium"])


def _runs(command: list[str]) -> bool:
    """True if the command succeeds; what it prints goes to stderr, so stdout is the path alone."""
    try:
        return subprocess.run(command, stdout=sys.stderr, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    print(ensure())
