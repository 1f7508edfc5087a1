"""What every module of the engine promises. Modules are found by walking the package.

A lesson is a module that defines ``Params`` and ``run``, or trains; it has the same verbs as every
other.
"""

import ast
import dataclasses
import doctest
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from engine.params import Bound, Knobs, bound_of
from engine.predict import Question
from engine.working import Line
from pages.catalog import LESSONS as CATALOG

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "engine"
SLOW_TO_IMPORT = {"torch", "streamlit", "altair", "scipy", "skimage", "pandas", "sklearn"}
VIEW = {"streamlit", "altair", "pages"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(ENGINE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}
# The training kernels may import torch at the top; everything else waits until it is needed.
LIGHT = [name for name in FILES if not name.startswith("engine.training")]


def defines(name: str) -> set[str]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in TREES[name].body if isinstance(node, kinds)}


TRAINING = [e.module for e in CATALOG if e.chapter == "training" and e.module in FILES and e.built]
LESSONS = [name for name in FILES if {"Params", "run"} <= defines(name)] + TRAINING


@pytest.fixture(params=LESSONS)
def lesson(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_the_walk_finds_the_lessons() -> None:
    assert "engine.gradients.chain" in LESSONS
    assert "engine.params" not in LESSONS


# The engine knows no view, and is quick to import.


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "the engine imports by full name"
            yield node.module or ""


@pytest.mark.parametrize("name", FILES)
def test_the_engine_imports_no_view(name: str) -> None:
    assert not VIEW & {target.partition(".")[0] for target in imported(TREES[name])}


def test_a_light_module_leaves_heavy_ones_out() -> None:
    """All in one fresh interpreter, which names the first that drags something heavy in."""
    code = (
        "import importlib, json, sys\n"
        f"for name in {LIGHT!r}:\n"
        "    importlib.import_module(name)\n"
        f"    heavy = {SLOW_TO_IMPORT!r} & sys.modules.keys()\n"
        "    assert not heavy, f'{name} imports {heavy}'\n"
        "print(json.dumps(list(sys.modules)))"
    )
    fresh = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert fresh.returncode == 0, fresh.stderr
    assert set(LIGHT) <= set(json.loads(fresh.stdout))


# Docstrings.


@pytest.mark.parametrize("name", FILES)
def test_public_functions_say_what_they_do(name: str) -> None:
    functions = [node for node in TREES[name].body if isinstance(node, ast.FunctionDef)]
    silent = [f.name for f in functions if not f.name.startswith("_") and not ast.get_docstring(f)]
    assert not silent


@pytest.mark.parametrize("name", [n for n in FILES if FILES[n].stat().st_size])
def test_modules_say_what_they_are(name: str) -> None:
    assert ast.get_docstring(TREES[name])


@pytest.mark.parametrize("name", LIGHT)
def test_examples_in_docstrings_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


# Knobs.


def knobs(name: str) -> list[type[Knobs]]:
    members = vars(importlib.import_module(name)).values()
    mine = [m for m in members if inspect.isclass(m) and m.__module__ == name]
    return [m for m in mine if issubclass(m, Knobs) and m is not Knobs]


@pytest.mark.parametrize("name", LIGHT)
def test_params_are_frozen_and_keyword_only(name: str) -> None:
    for owner in knobs(name):
        assert owner.__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert all(field.kw_only for field in dataclasses.fields(owner))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", LIGHT)
def test_every_knob_has_help_and_a_default_within_its_bounds(name: str) -> None:
    for owner in knobs(name):
        defaults = owner()  # checks every field against its bound
        for field in dataclasses.fields(owner):  # type: ignore[arg-type]
            bound = bound_of(owner, field.name)
            assert isinstance(bound, Bound), field.name
            assert bound.help.strip(), f"{name}.{owner.__name__}.{field.name} has no help"
            kept = getattr(defaults, field.name)
            assert kept == field.default, f"{field.name} is not what its default says"
            if not bound.choices and not isinstance(kept, bool):
                assert bound.low is not None, f"{field.name} has no lower bound"
                assert bound.high is not None, f"{field.name} has no upper bound"


# Lessons.


def tags(text: str | None) -> list[int]:
    return [int(tag) for tag in re.findall(r"\\tag\{(\d+)\}", text or "")]


def test_a_lesson_has_every_verb(lesson: ModuleType) -> None:
    verbs = ("run", "certify", "slipped", "working", "questions")
    missing = [verb for verb in verbs if not callable(getattr(lesson, verb, None))]
    missing += [name for name in ("SLIPS", "PRESETS") if not getattr(lesson, name, None)]
    assert not missing


def test_a_lessons_equations_are_numbered_from_one_without_gaps(lesson: ModuleType) -> None:
    found = tags(lesson.__doc__)
    assert found, "a lesson's docstring is its derivation"
    assert found == list(range(1, len(found) + 1))


def test_a_slip_says_where_it_stood_and_when_it_hides(lesson: ModuleType) -> None:
    for name, slip in lesson.SLIPS.items():
        assert slip.name == name
        for field in ("exercise", "title", "what", "hides"):
            assert getattr(slip, field).strip(), f"{name} has no {field}"
        assert slip.what.endswith(".")
        assert slip.hides.endswith(".")


def flat(things: Any) -> Iterator[Any]:
    if isinstance(things, Iterable):
        for thing in things:
            yield from flat(thing)
    else:
        yield things


def traces(lesson: ModuleType) -> dict[str, Any]:
    compute = getattr(lesson, "recorded", lesson.run)  # what takes a minute ships with the project
    return {
        name: compute(**preset.data, params=preset.params)
        for name, preset in lesson.PRESETS.items()
    }


def asked(verb: Any, trace: Any, step: int) -> Any:
    """A verb of a lesson; some look at one step of the trace, some at all."""
    looks_at_one = "step" in inspect.signature(verb).parameters
    return verb(trace, step=step) if looks_at_one else verb(trace)


def test_a_cited_equation_is_in_the_docstring(lesson: ModuleType) -> None:
    known = set(tags(lesson.__doc__))
    cited = {step.tag for step in flat(getattr(lesson, "STEPS", ())) if hasattr(step, "tag")}
    found = [asked(lesson.working, trace, 0) for trace in traces(lesson).values()]
    shown = list(flat(found))
    assert shown
    assert all(isinstance(line, Line) for line in shown)
    cited |= {line.tag for line in shown if line.tag is not None}
    assert cited <= known


def test_comments_cite_equations_that_are_there(lesson: ModuleType) -> None:
    known = set(tags(lesson.__doc__))
    source = inspect.getsource(lesson)
    cited = {int(tag) for tag in re.findall(r"# \((\d+)\)", source)}
    assert cited <= known


def test_a_preset_opens_at_a_step_of_its_trace(lesson: ModuleType) -> None:
    found = traces(lesson)
    for name, preset in lesson.PRESETS.items():
        assert preset.title.strip()
        assert preset.says.endswith(".")
        assert 0 <= preset.step < len(found[name]), name


def test_equal_parameters_give_equal_traces(lesson: ModuleType) -> None:
    first, second = traces(lesson), traces(lesson)
    assert {n: t.digest() for n, t in first.items()} == {n: t.digest() for n, t in second.items()}


def test_presets_are_certified_and_each_slip_is_caught_in_one(lesson: ModuleType) -> None:
    found = traces(lesson)
    for name, trace in found.items():
        certificate = lesson.certify(trace)
        assert certificate.holds, f"{name}: {certificate}"
        assert certificate.count > 0
    for name, slip in lesson.SLIPS.items():
        caught = (not lesson.certify(trace, slip).holds for trace in found.values())
        assert any(caught), f"no preset shows {name}"


def test_questions_have_finite_answers_and_a_step(lesson: ModuleType) -> None:
    for name, trace in traces(lesson).items():
        for question in asked(lesson.questions, trace, lesson.PRESETS[name].step):
            assert isinstance(question, Question)
            assert abs(question.value) < float("inf"), f"{name}: {question.name}"
            assert question.symbol.strip()
            assert 0 <= question.step < len(trace)
            assert all(sentence.endswith(".") for sentence in question.mistakes)


# No file knows the machine it was written on.

MACHINE = re.compile(r"(?<![\w.~-])/(?:work|tmp|root)/")
REGISTRY = re.compile(
    r"pypi\.org|python(?:hosted)\.org|download\.pytorch|registry\.npm|"
    r"--(?:extra-)?index(?:-url)|--trusted(?:-host)"
)


def tracked() -> list[Path]:
    """What git has or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    found = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in found if path.is_file()]


def test_no_file_names_a_place_on_one_machine_or_a_registry() -> None:
    files = tracked()
    assert ENGINE / "params.py" in files
    naming = []
    for path in files:
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if MACHINE.search(line) or REGISTRY.search(line):
                naming.append(f"{path.relative_to(ROOT)}:{number}")
    assert not naming
