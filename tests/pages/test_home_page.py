"""The index lists what there is and what there will be."""

from visiting import visit

from pages.catalog import CHAPTERS, LESSONS


def by_chapter() -> dict[str, tuple[str, list[str]]]:
    """For each chapter in the order of the page: its text, and the labels of its links."""
    found: dict[str, tuple[str, list[str]]] = {}
    name = ""
    for element in visit().main:
        text = str(getattr(element, "value", "") or "")
        if element.type == "header":
            name = text
            found[name] = ("", [])
        elif name and element.type == "page_link":
            found[name][1].append(element.label.strip("*"))
        elif name:
            found[name] = (found[name][0] + text + "\n", found[name][1])
    return found


def test_home_runs() -> None:
    app = visit()
    assert not app.exception
    assert len(app.title) == 1


def test_home_lists_the_chapters_in_order() -> None:
    assert list(by_chapter()) == list(CHAPTERS.values())


def test_home_links_the_built_lessons_and_no_others() -> None:
    for chapter, name in CHAPTERS.items():
        built = [e.question for e in LESSONS if e.chapter == chapter and e.built]
        assert by_chapter()[name][1] == built


def test_home_marks_the_planned_lessons_of_each_chapter() -> None:
    found = by_chapter()
    for chapter, name in CHAPTERS.items():
        planned = [e for e in LESSONS if e.chapter == chapter and not e.built]
        text = found[name][0]
        assert ("planned" in text.lower()) == bool(planned)
        for entry in planned:
            assert entry.question in text
            assert entry.title in text
