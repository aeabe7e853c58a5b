#!/usr/bin/env python3
"""pixels_peer_test.py [--tersor PATH] [MODEL.tflite ...]: Tersor and LiteRT on identical bytes, with tolerance 0.

The bytes that an integer model sees are made here from u8 pixels by the rule of docs/data.md (half up, with its window of 2^-10).
For each model with one quantized image input (default: all below TERSOR_TEST_DATA/models) and each normalization:
  run    `tersor run` on those bytes gives exactly LiteRT's output bytes
  eval   `tersor eval` on the pixels predicts exactly what LiteRT predicts from those bytes: its pipeline made the same ones

Needs a Python with ai-edge-litert and numpy. Exit code 1 when a model fails. Without models it says so and passes.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from peer_models import models_to_compare

EXAMPLES = 256
NORMALIZATIONS = {
    "signed": lambda pixels: pixels / np.float32(127.5) - np.float32(1),
    "unit": lambda pixels: pixels / np.float32(255),
    "raw": lambda pixels: pixels,
}


def encode(pixels, normalize, detail):
    """The bytes of a quantized input, all in f32 as in docs/data.md."""
    scale, zero_point = detail["quantization"]
    limits = np.iinfo(detail["dtype"])
    real = NORMALIZATIONS[normalize](pixels.astype(np.float32))
    steps = np.floor(real * (np.float32(1) / np.float32(scale)) + np.float32(0.5) + np.float32(2.0**-10))
    return np.clip(steps.astype(np.int64) + zero_point, limits.min, limits.max).astype(detail["dtype"])


def images(shape, generator):
    """Smooth images and noise; every value of a pixel occurs."""
    rows = np.linspace(0, 1, shape[0])[:, None, None]
    columns = np.linspace(0, 1, shape[1])[None, :, None]
    made = []
    for _ in range(EXAMPLES):
        a, b, c, noise = generator.uniform(-1, 1, (4, shape[2]))
        wave = a * rows + b * columns + c + noise * generator.uniform(-1, 1, shape)
        made.append(np.clip(128 + 127 * wave, 0, 255))
    pixels = np.rint(np.stack(made)).astype(np.uint8)
    pixels[0].flat[:] = np.arange(pixels[0].size) % 256
    return pixels


def litert(interpreter, batches):
    (detail,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for example in batches:
        interpreter.set_tensor(detail["index"], example[None])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(output["index"])[0].copy())
    return np.stack(rows)


def tersor(binary, *arguments):
    run = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(f"tersor {arguments[0]}: {run.stderr.strip() or run.stdout.strip()}")
    return run.stdout


def compare(binary, model, interpreter, folder):
    """Lines that fail, and how many outputs and predictions were compared."""
    (detail,) = interpreter.get_input_details()
    pixels = images(tuple(detail["shape"][1:]), np.random.default_rng(11))
    failures, outputs, predictions = [], 0, 0
    for normalize in NORMALIZATIONS:
        encoded = encode(pixels, normalize, detail)
        expected = litert(interpreter, encoded)
        found = []
        for example in encoded[:16]:
            np.save(folder / "input.npy", example[None])
            tersor(binary, "run", model, "--input", folder / "input.npy", "--output", folder / "output.npy")
            found.append(np.load(folder / "output.npy")[0])
        found = np.stack(found)
        outputs += found.size
        different = int((found != expected[: len(found)]).sum())
        if different:
            failures.append(f"run, {normalize}: {different} of {found.size} outputs differ")
        labels = expected.reshape(EXAMPLES, -1).argmax(1).astype(np.int32)
        np.savez(folder / "set.npz", x_test=pixels, y_test=labels)
        counted = json.loads(tersor(binary, "eval", model, "--data", folder / "set.npz", "--normalize", normalize, "--json"))
        predictions += EXAMPLES
        if counted["correct"] != EXAMPLES:
            failures.append(f"eval, {normalize}: {EXAMPLES - counted['correct']} of {EXAMPLES} predictions differ")
    return failures, f"{outputs} outputs and {predictions} predictions"


def main():
    binary, models = models_to_compare(__doc__)
    if not models:
        return 0
    compared = failed = 0
    for model in models:
        interpreter = Interpreter(str(model))
        interpreter.allocate_tensors()
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        classifier = len(outputs) == 1 and len(outputs[0]["shape"]) == 2
        quantized = len(inputs) == 1 and len(inputs[0]["shape"]) == 4 and inputs[0]["quantization"][0] > 0
        if not (classifier and quantized):
            continue
        compared += 1
        with tempfile.TemporaryDirectory() as folder:
            try:
                failures, measured = compare(binary, model, interpreter, pathlib.Path(folder))
            except (RuntimeError, ValueError) as error:
                failures, measured = [str(error)], ""
        failed += bool(failures)
        print(f"{'FAILED' if failures else 'ok':7}{model.name:36}{measured}")
        for failure in failures:
            print(f"       {failure}")
    print(f"{compared - failed} of {compared} integer models agree with LiteRT on identical bytes")
    return 1 if failed or compared == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
