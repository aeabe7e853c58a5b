#!/usr/bin/env python3
"""tflite_peer_test.py [--tersor PATH] [MODEL.tflite ...]: compares what Tersor reads, writes and computes with LiteRT.

For each model (default: all below TERSOR_TEST_DATA/models, by default ../shared/models):
  export   `tersor convert A.tflite B.tflite`: LiteRT gives the same outputs for B as for A, B is not larger, and runs with batch 3
  run      `tersor run A.tflite`: within 1e-4 of LiteRT for float outputs, within one unit for integer ones
  native   `tersor convert A.tflite C.tersor`, `tersor run C.tersor`: the same bytes as from A.tflite, in a smaller file

Needs a Python with ai-edge-litert and numpy. Exit code 1 when a model fails. Without models it says so and passes.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from peer_models import models_to_compare

EXAMPLES = 4
FLOAT_TOLERANCE = 1e-4
INTEGER_TOLERANCE = 1


def random_inputs(interpreter, generator):
    arrays = []
    for detail in interpreter.get_input_details():
        dtype, shape = np.dtype(detail["dtype"]), detail["shape"]
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            arrays.append(generator.integers(limits.min, limits.max, shape, dtype, endpoint=True))
        else:
            arrays.append(generator.standard_normal(shape).astype(dtype))
    return arrays


def litert(interpreter, inputs):
    for detail, array in zip(interpreter.get_input_details(), inputs):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]).copy() for detail in interpreter.get_output_details()]


def load(path, batch=None):
    interpreter = Interpreter(str(path))
    if batch is not None:
        for detail in interpreter.get_input_details():
            interpreter.resize_tensor_input(detail["index"], [batch, *detail["shape"][1:]])
    interpreter.allocate_tensors()
    return interpreter


class Tersor:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, pathlib.Path(folder)

    def call(self, *arguments):
        run = subprocess.run([self.binary, *map(str, arguments)], capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(f"tersor {arguments[0]}: {run.stderr.strip() or run.stdout.strip()}")

    def convert(self, source, target):
        self.call("convert", source, target)

    def run(self, model, inputs, outputs):
        arguments = []
        for i, array in enumerate(inputs):
            np.save(self.folder / f"input{i}.npy", array)
            arguments += ["--input", self.folder / f"input{i}.npy"]
        for i in range(outputs):
            arguments += ["--output", self.folder / f"output{i}.npy"]
        self.call("run", model, *arguments)
        return [np.load(self.folder / f"output{i}.npy") for i in range(outputs)]


def largest_difference(left, right):
    return max(float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max()) for a, b in zip(left, right))


def compare(tersor, model, folder):
    """Lines that fail, and what was measured."""
    written, native = folder / "written.tflite", folder / "native.tersor"
    tersor.convert(model, written)
    tersor.convert(model, native)
    original, exported = load(model), load(written)
    generator = np.random.default_rng(7)
    integer = all(np.dtype(d["dtype"]).kind in "iu" for d in original.get_output_details())
    export = run = 0.0
    failures = []
    for _ in range(EXAMPLES):
        inputs = random_inputs(original, generator)
        expected = litert(original, inputs)
        export = max(export, largest_difference(expected, litert(exported, inputs)))
        found = tersor.run(model, inputs, len(expected))
        run = max(run, largest_difference(expected, found))
        again = tersor.run(native, inputs, len(expected))
        if any(a.tobytes() != b.tobytes() for a, b in zip(found, again)):
            failures.append("native: other bytes than from the tflite file")
    if export > 0:
        failures.append(f"export: LiteRT's outputs differ by {export:g}")
    tolerance = INTEGER_TOLERANCE if integer else FLOAT_TOLERANCE
    if run > tolerance:
        failures.append(f"run: differs from LiteRT by {run:g}, allowed are {tolerance:g}")
    sizes = [os.path.getsize(path) for path in (model, written, native)]
    if sizes[1] > sizes[0] or sizes[2] > sizes[1]:
        failures.append("size: {} bytes, written {}, native {}".format(*sizes))
    batched = load(written, batch=3)
    litert(batched, random_inputs(batched, generator))
    return failures, f"export {export:g}  run {run:g}  bytes {sizes[0]} -> {sizes[1]} -> {sizes[2]}"


def main():
    binary, models = models_to_compare(__doc__)
    if not models:
        return 0
    failed = 0
    for model in models:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            try:
                failures, measured = compare(Tersor(binary, folder), model, folder)
            except (RuntimeError, ValueError) as error:
                failures, measured = [str(error)], ""
        failed += bool(failures)
        print(f"{'FAILED' if failures else 'ok':7}{model.name:36}{measured}")
        for failure in failures:
            print(f"       {failure}")
    print(f"{len(models) - failed} of {len(models)} models agree with LiteRT")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
