"""The one registry: every chapter and lesson, built or planned.

Navigation, the home page and the contract tests are drawn from it.
"""

from dataclasses import dataclass
from pathlib import Path

PAGES = Path(__file__).parent


@dataclass(frozen=True)
class Lesson:
    """A page ``pages/<chapter>/<slug>.py`` over the module ``engine/<chapter>/<slug>.py``.

    ``modes`` are further modules on the same page, each with a slug, question and answer of its
    own; ``mode`` is the word that chooses between them.
    """

    chapter: str
    slug: str
    title: str
    question: str
    exercise: str
    answer: str = ""
    mode: str = ""
    modes: tuple["Lesson", ...] = ()

    @property
    def all_modes(self) -> tuple["Lesson", ...]:
        return (self, *self.modes)

    @property
    def page(self) -> Path:
        return PAGES / self.chapter / f"{self.slug}.py"

    @property
    def built(self) -> bool:
        return self.page.exists()

    @property
    def module(self) -> str:
        return f"engine.{self.chapter}.{self.slug}"


CHAPTERS = {
    "gradients": "Gradients",
    "mixtures": "Mixtures",
    "clusters": "Clusters",
    "training": "Training",
    "boosting": "Boosting",
}

# fmt: off
LESSONS = (
    Lesson("gradients", "chain", "One chain", "What does the way back need?", "001-2 a-f",
           "Each derivative is the one that came back, times a factor kept on the way out."),
    Lesson("gradients", "mlp", "Backpropagation", "Where does the error go?", "000-1, 002-2",
           "Back along every path at once, and each weight gets the sum of all that pass it."),
    Lesson("gradients", "minmax", "Min and max", "How few ReLUs find the smaller?", "003-1",
           "Four on the whole plane, three on a box, and never fewer."),
    Lesson("gradients", "residual", "Residual block", "What does the skip carry back?", "003-2",
           "Four routes lead back from y to x, and the one by the skips alone loses nothing."),
    Lesson("gradients", "lstm", "LSTM cell", "What does the cell remember?", "004-1",
           "Whatever the input gate let in, dimmed by every forget gate since.", "Gate table", (
        Lesson("gradients", "lstm_cell", "LSTM cell", "What keeps the error alive?",
               "004-1, with recurrent weights",
               "Along the cell it meets no matrix and no slope, only forget gates.", "Full cell"),
    )),
    Lesson("gradients", "rnn", "Through time", "How far back does a gradient reach?", "004-2",
           "Each step back multiplies it by the same matrix, so it fades or grows like a power."),
    Lesson("gradients", "shapes", "Shapes", "What size comes out?", "001-2 g-h",
           "As many rows as places where the window fits, and as many channels as filters."),
    Lesson("mixtures", "coins", "Two coins", "Which coin made which tosses?", "000-2",
           "Guess softly who made each set, count softly, and repeat: the likelihood never falls."),
    Lesson("mixtures", "bernoulli", "Bernoulli", "What do binary data have in common?", "001-1",
           "Each component is the mean of the rows it claims, and claims the rows it explains."),
    Lesson("mixtures", "gaussian", "Gaussian", "Whose point is it?", "004-4",
           "Partly everyone's: each component claims shares by its density, and moves to them."),
    Lesson("mixtures", "ppca", "Probabilistic PCA", "Which direction explains the cloud?", "003-3",
           "Guess where each point lies along a line, turn the line to fit, and it finds q₁."),
    Lesson("clusters", "centres", "Centres", "Why the mean, why the median?", "002-1",
           "Squares measure how far each point pulls, absolute values only count who pulls where."),
    Lesson("clusters", "quantise", "Quantise", "How few colours make a picture?", "000-3",
           "Eight will do, once each is the mean of the pixels that it paints."),
    Lesson("training", "sweep", "Channel sweep", "What does width buy?", "001-3",
           "Lower error, sooner: one channel hardly beats guessing, sixty-four miss one in sixty."),
    Lesson("training", "two_layer", "Two layers", "Which settings learn?", "002-2",
           "Small unequal weights, and steps whose sum reaches far enough without overshooting."),
    Lesson("boosting", "samme", "AdaBoost", "How do weak votes add up?", "004-3",
           "Each vote counts by how seldom it errs, and the next one looks where all so far fail."),
)
# fmt: on


def lesson(slug: str) -> Lesson:
    """The lesson of one slug, or the mode of one."""
    return next(mode for entry in LESSONS for mode in entry.all_modes if mode.slug == slug)


def host(slug: str) -> Lesson:
    """The lesson on whose page this one stands: itself, unless it is a further mode."""
    return next(e for e in LESSONS if slug in (mode.slug for mode in e.all_modes))
