"""Algorithms that are wrong, each in one way, and a right one."""

import contextlib
import os
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from musyq_lab.core.quality import INPUT_OUT_OF_RANGE
from musyq_lab.core.spec import Input, Method, Product, Variable, Window
from musyq_lab.products._retrieval import Retrieval, retrieval

RED, NIR = Input("reflectance_red", uncertainty=(0.005, 0.05)), Input("reflectance_nir", uncertainty=(0.005, 0.05))
RATIO = Variable("ratio", "ratio of near infrared to red", "1", valid_range=(0.0, 60.0), scale=2e-3)
SPEC = Product("ratio", "Ratio of two bands", (RATIO,), (RED, NIR))


def ratio(*, reflectance_red, reflectance_nir):
    return reflectance_nir / reflectance_red


def right():
    return retrieval(SPEC)(ratio)


def made(body, spec=SPEC, **more):
    return retrieval(spec, **more)(body)


def with_variable(**changes):
    return replace(SPEC, variables=(replace(RATIO, **changes),))


def supported(support):
    return replace(SPEC, support=support)


# --- description
def units_that_are_none():
    return made(ratio, with_variable(units="furlongs per banana"))


def units_of_another_kind_than_the_nomenclature():
    return made(ratio, replace(SPEC, variables=(replace(RATIO, name="lai", units="K"),)))


def no_title():
    return made(ratio, replace(SPEC, title=" "))


# --- runs
def raises():
    def body(*, reflectance_red, reflectance_nir):
        raise KeyError("no table for this year")

    return made(body)


def two_arrays_for_one():
    return made(lambda *, reflectance_red, reflectance_nir: (reflectance_nir, reflectance_red))


# --- layers
def other_dimensions():
    def body(*, reflectance_red, reflectance_nir):
        found = (reflectance_nir / reflectance_red).rename(latitude="row", longitude="column")
        return {"ratio": found.drop_vars(["row", "column"]).assign_coords(row=range(9), column=range(11))}

    return made(body, supported("scene"))


# --- inputs unchanged
def works_in_place():
    def body(*, reflectance_red, reflectance_nir):
        reflectance_red += 0.001
        return reflectance_nir / reflectance_red

    return made(body)


# --- shape
def one_value_for_all():
    return made(lambda *, reflectance_red, reflectance_nir: np.mean(reflectance_nir / reflectance_red))


def one_row_for_all():
    return made(lambda *, reflectance_red, reflectance_nir: (reflectance_nir / reflectance_red)[..., :1, :])


# --- repeatable
def random_numbers():
    def body(*, reflectance_red, reflectance_nir):
        return reflectance_nir / reflectance_red + np.random.default_rng().normal(0, 0.1, reflectance_red.shape)

    return made(body)


def counts_its_calls():
    calls = []

    def body(*, reflectance_red, reflectance_nir):
        calls.append(1)
        return reflectance_nir / reflectance_red + 1e-3 * len(calls)

    return made(body)


def keeps_its_first_result():
    kept = {}

    def body(*, reflectance_red, reflectance_nir):
        return kept.setdefault(reflectance_red.shape, reflectance_nir / reflectance_red).copy()

    return made(body, uncertainty=lambda *, reflectance_red: 0 * reflectance_red + 1)


def ignores_its_inputs():
    return made(lambda *, reflectance_red, reflectance_nir: np.ones_like(reflectance_red))


# --- random state
def reseeds_the_session():
    def body(*, reflectance_red, reflectance_nir):
        np.random.seed(0)  # noqa: NPY002
        return reflectance_nir / reflectance_red + np.random.random() * 1e-3  # noqa: NPY002

    return made(body)


# --- valid range, ordinary values
def per_cent():
    return made(lambda *, reflectance_red, reflectance_nir: 1e4 * reflectance_nir / reflectance_red)


def logarithm_of_a_negative_number():
    return made(lambda *, reflectance_red, reflectance_nir: np.log(-reflectance_nir / reflectance_red))


# --- precision
def always_double():
    return made(lambda *, reflectance_red, reflectance_nir: (reflectance_nir / reflectance_red).astype("float64"))


def half_precision():
    return made(lambda *, reflectance_red, reflectance_nir: (reflectance_nir / reflectance_red).astype("float16"))


def cancels():
    return made(lambda *, reflectance_red, reflectance_nir: (1e5 + reflectance_nir) - 1e5 + 0 * reflectance_red)


# --- missing inputs
def fills_with_zero():
    return made(lambda *, reflectance_red, reflectance_nir: np.nan_to_num(reflectance_nir) / (reflectance_red + 1.0))


def fills_a_whole_series():
    def body(*, reflectance_red, reflectance_nir):
        return np.nan_to_num(reflectance_nir) / (1.0 + np.nan_to_num(reflectance_red))

    return made(body, supported("series"))


def needs_every_pixel():
    def body(*, reflectance_red, reflectance_nir):
        if np.isnan(reflectance_red).any():
            raise ValueError("there is a NaN")
        return reflectance_nir / reflectance_red

    return made(body)


# --- impossible inputs
class Erasing(Retrieval):
    """Takes a quality bit away afterwards."""

    def __call__(self, *arguments, **more):
        found = super().__call__(*arguments, **more)
        found["ratio_qa"] = found["ratio_qa"] & np.uint16(0xFFFF ^ INPUT_OUT_OF_RANGE.mask)
        return found


def erases_a_bit():
    return Erasing(SPEC, ratio)


# --- ends of ranges
def divides_by_zero():
    spec = with_variable(valid_range=(-np.inf, np.inf), dtype="float32")
    return made(ratio, replace(spec, inputs=(replace(RED, limits=(0.0, 1.0)), NIR)))


# --- lazy
def computes_early():
    def body(*, reflectance_red, reflectance_nir):
        return {"ratio": reflectance_nir / reflectance_red * (1.0 + 1e-3 * float(reflectance_nir.max()))}

    return made(body, supported("scene"))


# --- any size
def maximum_of_nothing():
    def body(*, reflectance_red, reflectance_nir):
        bright = reflectance_red.max() > 1e9
        return reflectance_red if bright else reflectance_nir / reflectance_red

    return made(body)


# --- chunks
def less_the_mean():
    def body(*, reflectance_red, reflectance_nir):
        found = reflectance_nir / reflectance_red
        return found + 10.0 - np.nanmean(found) if found.size else found

    return made(body)


def looks_farther_than_it_says():
    def body(*, reflectance_red, reflectance_nir):
        found = reflectance_nir / reflectance_red
        return found + np.nan_to_num(np.roll(found, 3, axis=-1))

    return made(body, supported(Window(3)))


def series_of_its_neighbour():
    def body(*, reflectance_red, reflectance_nir):
        found = reflectance_nir / reflectance_red
        return found + 0.5 * np.roll(found, 1, axis=0)

    return made(body, supported("series"))


# --- any dimensions
def two_dimensions_only():
    return made(
        lambda *, reflectance_red, reflectance_nir: np.einsum("ij,ij->ij", reflectance_nir, 1 / reflectance_red)
    )


# --- threads
def one_buffer_for_all():
    buffer = {}

    def body(*, reflectance_red, reflectance_nir):
        buffer["red"] = reflectance_red
        time.sleep(0.002)
        return reflectance_nir / buffer["red"]

    return made(body)


# --- other process
def holds_a_lock():
    lock = threading.Lock()

    def body(*, reflectance_red, reflectance_nir):
        with lock:
            return reflectance_nir / reflectance_red

    return made(body)


def depends_on_the_process():
    own = os.getpid()
    return made(
        lambda *, reflectance_red, reflectance_nir: reflectance_nir / reflectance_red * (1 if os.getpid() == own else 2)
    )


def depends_on_the_environment():
    os.environ["RATIO_GAIN"] = "1.5"

    def body(*, reflectance_red, reflectance_nir):
        return reflectance_nir / reflectance_red * float(os.environ.get("RATIO_GAIN", "1"))

    return made(body)


# --- side effects
def writes_a_log():
    def body(*, reflectance_red, reflectance_nir):
        with Path("log.txt").open("a") as file:
            file.write("called\n")
        return reflectance_nir / reflectance_red

    return made(body)


def writes_elsewhere():
    place = Path(tempfile.gettempdir()) / "musyq-lab-side-effect.txt"

    def body(*, reflectance_red, reflectance_nir):
        place.write_text("called")
        place.unlink(missing_ok=True)  # two threads at once must not stumble over each other here
        return reflectance_nir / reflectance_red

    return made(body)


def calls_home():
    def body(*, reflectance_red, reflectance_nir):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", 9), timeout=0.2).close()
        return reflectance_nir / reflectance_red

    return made(body)


def starts_a_program():
    def body(*, reflectance_red, reflectance_nir):
        subprocess.run(["/bin/true"], check=True)
        return reflectance_nir / reflectance_red

    return made(body)


# --- uncertainty
def negative_uncertainty():
    return made(ratio, uncertainty=lambda *, reflectance_red: -0.1 + 0 * reflectance_red)


def uncertainty_is_not_a_number():
    return made(ratio, uncertainty=lambda *, reflectance_red: np.where(reflectance_red > 0.4, np.nan, 0.1))


def claims_to_be_exact():
    return made(ratio, replace(SPEC, inputs=(replace(RED, uncertainty=(0, 0)), replace(NIR, uncertainty=(0, 0)))))


# --- storage and its step
def does_not_fit_its_type():
    spec = with_variable(valid_range=(-np.inf, np.inf), scale=1e-5)
    return made(ratio, spec)


def too_coarse():
    return made(ratio, with_variable(scale=1.0))


# --- methods
def one_method_fails():
    def body(*, reflectance_red, reflectance_nir, method):
        if method == "second":
            raise NotImplementedError("later")
        return reflectance_nir / reflectance_red

    return made(body, replace(SPEC, methods=(Method("first"), Method("second"))))


# --- time and memory
def pixel_by_pixel():
    def body(*, reflectance_red, reflectance_nir):
        time.sleep(1.5e-3 * reflectance_red.size)
        return reflectance_nir / reflectance_red

    return made(body)


def all_pixels_with_all():
    def body(*, reflectance_red, reflectance_nir):
        found = reflectance_nir / reflectance_red
        return found + 0 * np.nansum(np.subtract.outer(found, found))

    return made(body)


# --- simulated Earth
def no_ordinary_land():
    spec = Product(
        "deep", "Deep canopies", (replace(RATIO, name="deep"),), (Input("lai", "", False, (0.1, 0.0), (12.0, 15.0)),)
    )
    return made(lambda *, lai: lai - 1.0, spec)


BROKEN = {
    units_that_are_none: "description",
    units_of_another_kind_than_the_nomenclature: "description",
    no_title: "description",
    raises: "runs",
    two_arrays_for_one: "runs",
    other_dimensions: "layers",
    works_in_place: "inputs unchanged",
    one_value_for_all: "shape",
    one_row_for_all: "shape",
    random_numbers: "repeatable",
    counts_its_calls: "repeatable",
    keeps_its_first_result: "repeatable",
    ignores_its_inputs: "repeatable",
    reseeds_the_session: "random state",
    per_cent: "valid range",
    logarithm_of_a_negative_number: "ordinary values",
    always_double: "precision",
    half_precision: "precision",
    cancels: "precision",
    fills_with_zero: "missing inputs",
    fills_a_whole_series: "missing inputs",
    needs_every_pixel: "missing inputs",
    erases_a_bit: "impossible inputs",
    divides_by_zero: "ends of ranges",
    computes_early: "lazy",
    maximum_of_nothing: "any size",
    less_the_mean: "chunks",
    looks_farther_than_it_says: "chunks",
    series_of_its_neighbour: "chunks",
    two_dimensions_only: "any dimensions",
    one_buffer_for_all: "threads",
    holds_a_lock: "other process",
    depends_on_the_process: "other process",
    depends_on_the_environment: "other process",
    writes_a_log: "side effects",
    writes_elsewhere: "side effects",
    calls_home: "side effects",
    starts_a_program: "side effects",
    negative_uncertainty: "uncertainty",
    uncertainty_is_not_a_number: "uncertainty",
    claims_to_be_exact: "uncertainty",
    does_not_fit_its_type: "storage",
    too_coarse: "step of storage",
    one_method_fails: "methods",
    pixel_by_pixel: "time",
    all_pixels_with_all: "memory",
    no_ordinary_land: "simulated Earth",
}
"""Maker of a wrong algorithm -> the one check that must fail."""
