"""``run_recipe``: checked parameters in, one complete result folder out, or a plain error and nothing."""

from __future__ import annotations

import shutil
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musyq_lab.archive.manifest import RUN_SUFFIX
from musyq_lab.core.errors import ArchiveError, InputError, MusyqError, RecipeError
from musyq_lab.production import provenance
from musyq_lab.production.citation import CITATION, citation, cite_folder
from musyq_lab.production.code_state import code_state
from musyq_lab.production.execute import KERNEL_LOG, Execution, execute
from musyq_lab.production.finished import RUN_PART
from musyq_lab.production.inputs import UsedFile, used_files
from musyq_lab.production.parameters import validate_all
from musyq_lab.production.progress import Silent, shown
from musyq_lab.production.recipes import Recipe, find_recipe, text_of
from musyq_lab.production.staging import RECORD, foreign_files, publish, result_folder

if TYPE_CHECKING:
    from musyq_lab.production.sweep_result import SweepResult

SUMMARY = "summary.txt"
DEFAULT_ROOT = "musyq-output"


@dataclass(frozen=True, slots=True)
class RecipeResult:
    """What a finished run left."""

    recipe: str
    """Name of the recipe."""
    folder: Path
    """Where everything is."""
    files: tuple[str, ...]
    """Every file, relative to the folder."""
    figures: tuple[str, ...]
    """The images among them."""
    seconds: float
    """Wall time of the run."""
    peak_memory: int | None
    """Peak resident memory of the notebook's process in bytes, None where the system does not tell."""

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.folder / f"{self.recipe}.ipynb"

    @property
    def html(self) -> Path:
        """The report: one file that needs no network."""
        return self.folder / f"{self.recipe}.html"

    @property
    def provenance(self) -> provenance.Record:
        """Where the numbers come from."""
        found = provenance.show(self.folder)
        if isinstance(found, str):
            raise RecipeError(f"{str(self.folder)!r} no longer holds {RECORD}. Run the recipe again")
        return found

    @property
    def citation(self) -> str:
        """How to cite the result."""
        return cite_folder(self.folder)

    @property
    def summary(self) -> str:
        """The recipe's own short account (``summary.txt``), empty if it left none."""
        path = self.folder / SUMMARY
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @property
    def tables(self) -> tuple[Path, ...]:
        """The CSV tables."""
        return tuple(self.folder / name for name in self.files if name.endswith(".csv"))

    def __str__(self) -> str:
        """Show summary and places, as the command line prints them."""
        memory = f", {self.peak_memory / 1e9:.2f} GB" if self.peak_memory else ""
        where = [f"{self.recipe}: {len(self.files)} files in {self.folder} ({self.seconds:.0f} s{memory})"]
        where += [f"  {name}" for name in self.files]
        return "\n".join([*filter(None, [self.summary.rstrip()]), "", *where]).lstrip("\n")

    def _repr_html_(self) -> str:
        links = "".join(f"<li>{escape(name)}</li>" for name in self.files)
        summary = f"<pre>{escape(self.summary)}</pre>" if self.summary else ""
        place = f"<b>{escape(self.recipe)}</b> in <code>{escape(str(self.folder))}</code>"
        return f"{summary}<details><summary>{place}: {len(self.files)} files</summary><ul>{links}</ul></details>"


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is done; nothing here changes its result."""

    debug: bool = False
    """Whether to keep the notebook of a failed run."""
    fresh: bool = False
    """Whether to begin anew even if an earlier run left finished stages."""
    keep_stages: bool = False
    """Whether to leave the finished stages of a run that succeeded."""


def run_recipe(
    name: str | Recipe,
    /,
    *,
    out: str | Path | None = None,
    progress: bool = True,
    debug: bool = False,
    fresh: bool = False,
    keep_stages: bool = False,
    jobs: int | None = None,
    **parameters: Any,
) -> RecipeResult | SweepResult:
    """Run a recipe and leave its notebook, report, figures, tables, products and provenance in one folder.

    The work is done in a hidden folder inside ``out``; files come to their final names only when all is complete, so
    that a failed or killed run leaves what was there before. An earlier result in ``out`` is replaced. The stages that
    a failed or killed run had finished are kept in ``out/.stages`` and used by the next one
    (:mod:`musyq_lab.production.stages`).

    Parameters
    ----------
    name : str
        One of :data:`musyq_lab.production.recipes.RECIPES`, or the path of a recipe of one's own (``.yml``).
    out : str or Path, optional
        Result folder; ``musyq-output/<name>`` by default.
    progress : bool
        Whether to show how far along the run is.
    debug : bool
        Whether to keep the notebook of a failed run; the error says where.
    fresh : bool
        Whether to begin anew even if an earlier run left finished stages.
    keep_stages : bool
        Whether to leave the finished stages of a run that succeeded, to go on from them after a change of the recipe.
    jobs : int, optional
        Number of runs of a sweep that work at once; as many as processors and free memory allow by default.
    **parameters
        Values of the recipe's parameters; ``RECIPES[name]`` shows them. A list for a parameter that takes one value
        makes a sweep: a run for each, side by side, in ``out/<parameter>=<value>``; several lists, for each combination
        (:mod:`musyq_lab.production.sweep`).

    Returns
    -------
    RecipeResult or SweepResult
        What the run left; of a sweep also which runs failed, since one that fails costs the others nothing.

    Raises
    ------
    InputError
        If a parameter or the folder cannot be used; nothing has been run then.
    NotFoundError
        If the recipe, a file or a region does not exist.
    ArchiveError
        If the folder cannot be written to or a shipped file is damaged.
    RecipeError
        If the recipe fails while it runs or another run works in the folder.
    """
    recipe = find_recipe(name)
    options = Options(debug=debug, fresh=fresh, keep_stages=keep_stages)
    folder = result_path(recipe, out)
    from musyq_lab.production.sweep import run_sweep, swept

    if swept(recipe, parameters):
        return run_sweep(recipe, parameters, folder, options, progress=progress, jobs=jobs)
    values = validate_all(recipe.parameters, parameters, recipe.key)
    with shown(visible=progress) as told:
        return run_once(recipe, values, folder, told, options)


def run_once(
    recipe: Recipe, values: Mapping[str, Any], folder: Path, told: Silent, options: Options = Options()
) -> RecipeResult:
    """Run a recipe with checked values, see :func:`run_recipe`.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    values : mapping
        Every parameter's checked value.
    folder : Path
        Result folder, absolute.
    told : Silent
        Is told of each step.
    options : Options
        How.
    """
    from musyq_lab.production import stages  # xarray: only where a recipe runs

    inputs = used_files(recipe, values)
    clock, started = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    with result_folder(folder) as partial:
        _refuse_foreign(folder, recipe)
        try:
            stages.prepare(folder, partial, values, [item.sha256 for item in inputs], fresh=options.fresh)
            execution, files = _work(recipe, values, inputs, partial, told)
            seconds = time.monotonic() - clock
            side = provenance.run_part(started, seconds, execution.cell_seconds, execution.peak_bytes)
            files = _finish(partial, files, {**side, "code": code_state(), "stages": stages.account(partial)})
            publish(folder, partial, files)
            if not options.keep_stages:
                stages.drop(folder)
        except MusyqError as error:
            raise _told(error, folder, partial, recipe, debug=options.debug) from error
        except OSError as reason:
            raise ArchiveError(
                f"The result could not be written to {str(folder)!r}: {reason.strerror or reason}"
            ) from reason
    figures = tuple(n for n in files if any(Path(n).match(pattern) for pattern in recipe.figures))
    return RecipeResult(recipe.key, folder, tuple(files), figures, seconds, execution.peak_bytes)


def result_path(recipe: Recipe, out: str | Path | None) -> Path:
    """Return the absolute path of the result folder that a person asks for, or of the recipe's own."""
    if out is not None and (not isinstance(out, (str, Path)) or not str(out) or "\0" in str(out)):
        raise InputError(f"out needs the path of a folder, got {out!r}")
    return Path(out if out is not None else f"{DEFAULT_ROOT}/{recipe.key}").expanduser().resolve()


def _work(
    recipe: Recipe,
    values: Mapping[str, Any],
    inputs: Sequence[UsedFile],
    partial: Path,
    told: Silent,
) -> tuple[Execution, list[str]]:
    """Execute the notebook and write the report and the record; return the finished files."""
    draft = provenance.record(recipe, values, inputs)
    provenance.write_record(partial / provenance.DRAFT, draft)
    notebook = partial / f"{recipe.key}.ipynb"
    execution = execute(recipe.notebook, notebook, {**values, "out": "."}, told)
    if changed := [item.name for item in inputs if item.changed]:
        raise RecipeError(f"Input {', '.join(changed)} changed while the recipe ran. Run it again on a file at rest")
    from musyq_lab.production.report import write_html

    language = str(values.get("language", "en"))
    write_html(notebook, notebook.with_suffix(".html"), text_of(recipe.title, language), language)
    entities = list(provenance.Record(draft).entities("input"))
    (partial / CITATION).write_text(citation(recipe, entities), encoding="utf-8")
    files = _files(partial)
    _check_promises(recipe, partial, files)
    # The run records beside products hold wall times: they belong to the result and not into its checksums.
    side = [name for name in files if name.endswith(RUN_SUFFIX)]
    hashed = [name for name in files if name not in side]
    provenance.write_record(partial / RECORD, provenance.with_outputs(draft, partial, hashed, [*side, RUN_PART]))
    return execution, files


def _finish(partial: Path, files: Sequence[str], run_part: Mapping[str, Any]) -> list[str]:
    provenance.write_record(partial / RUN_PART, run_part)
    return sorted([*files, RUN_PART, RECORD])


def _files(partial: Path) -> list[str]:
    """Return the files a run left, hidden ones apart; links are refused, since their target could be anything."""
    found = []
    for path in sorted(partial.rglob("*")):
        name = path.relative_to(partial)
        if any(part.startswith(".") for part in name.parts) or "__pycache__" in name.parts:
            continue
        if path.is_symlink():
            raise RecipeError(f"The recipe left the link {str(name)!r}; a result holds plain files only")
        if path.is_file():
            found.append(name.as_posix())
    return found


def _check_promises(recipe: Recipe, partial: Path, files: Sequence[str]) -> None:
    for pattern in recipe.outputs:
        made = [name for name in files if Path(name).match(pattern)]
        if not made or any((partial / name).stat().st_size == 0 for name in made):
            what = f"left {made[0]!r} empty" if made else f"did not make {pattern!r}"
            raise RecipeError(
                f"The recipe {recipe.key!r} ended but {what}, which it promises. This is a fault of the recipe"
            )


def _refuse_foreign(folder: Path, recipe: Recipe) -> None:
    """Refuse before the work, not after it, to overwrite files that no run made."""
    promised = [name for name in recipe.outputs if not set(name) & set("*?[")]
    own = [f"{recipe.key}.ipynb", f"{recipe.key}.html", RECORD, RUN_PART, CITATION]
    if taken := foreign_files(folder, [*promised, *own]):
        raise InputError(
            f"{str(folder)!r} holds {', '.join(taken[:3])}, which no recipe run made and this one would overwrite. "
            "Choose another folder or move it away"
        )


def _told(error: MusyqError, folder: Path, partial: Path, recipe: Recipe, *, debug: bool) -> MusyqError:
    """Return the error with what is left of the failed run, and where."""
    from musyq_lab.production import stages  # xarray: only where a recipe runs

    text = str(error) + (f"\n{left}" if (left := stages.left(folder, partial)) else "")
    if debug:
        text += f"\nThe failed notebook and the traceback are kept in {_kept(error, partial, recipe)}"
    return error if text == str(error) else type(error)(text)


def _kept(error: MusyqError, partial: Path, recipe: Recipe) -> Path:
    """Keep what a failed run had made and say where."""
    folder = Path(tempfile.mkdtemp(prefix=f"musyq-{recipe.key}-failed-"))
    for name in (f"{recipe.key}.ipynb", KERNEL_LOG):
        if (partial / name).is_file():
            shutil.copy(partial / name, folder / name.lstrip("."))
    (folder / "traceback.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return folder
