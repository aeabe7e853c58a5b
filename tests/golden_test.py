"""Files, checkpoints and studies that an earlier program wrote still open and mean the same (tests/golden/README.md)."""
import contextlib
import json
import pathlib
import shutil
import sqlite3
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cli_test import run, write_idx  # noqa: E402

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"


def read_npy(path, form):
    """The numbers of a .npy file whose elements are of one struct format."""
    data = path.read_bytes()
    begin = 10 + struct.unpack("<H", data[8:10])[0]
    count = (len(data) - begin) // struct.calcsize(form)
    return struct.unpack(f"<{count}{form}", data[begin:])


class Golden(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.addCleanup(self.folder.cleanup)

    def output_of(self, model, source, form):
        output = self.root / "output.npy"
        result = run("run", model, "--input", source, "--output", output)
        self.assertEqual(result.returncode, 0, result.stderr)
        return read_npy(output, form)

    def test_version_1_float_model_computes_the_same(self):
        found = self.output_of(GOLDEN / "v1/model_f32.tersor", GOLDEN / "v1/input_f32.npy", "f")
        expected = read_npy(GOLDEN / "v1/output_f32.npy", "f")
        self.assertEqual(len(found), len(expected))
        for a, b in zip(found, expected):
            self.assertAlmostEqual(a, b, delta=2e-6)

    def test_version_1_encodings_decode_to_the_same_weights(self):
        """The outputs were worked out from the weights in double precision, not by a program of that day."""
        found = self.output_of(GOLDEN / "v1/model_encoded.tersor", GOLDEN / "v1/input_encoded.npy", "f")
        expected = read_npy(GOLDEN / "v1/output_encoded.npy", "f")
        self.assertEqual(len(found), len(expected))
        for a, b in zip(found, expected):
            self.assertAlmostEqual(a, b, delta=1e-5)

    def test_version_1_integer_model_computes_the_same_bits(self):
        found = self.output_of(GOLDEN / "v1/model_int8.tersor", GOLDEN / "v1/input_int8.npy", "b")
        self.assertEqual(found, read_npy(GOLDEN / "v1/output_int8.npy", "b"))
        self.assertGreater(len(set(found)), 2)

    def test_version_1_models_are_written_as_they_were(self):
        """Without new features a file has the bytes that it had (of the same version of zstd)."""
        for name in ("model_f32.tersor", "model_int8.tersor", "model_encoded.tersor"):
            again = self.root / name
            result = run("convert", GOLDEN / "v1" / name, again)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(again.read_bytes(), (GOLDEN / "v1" / name).read_bytes(), name)

    def test_version_1_checkpoint_goes_on(self):
        write_idx(self.make("data"))
        shutil.copy(GOLDEN / "v1/checkpoint.tersor", self.root / "checkpoint.tersor")
        result = run("train", "--family", "survey-cnn", "--width", "0.05", "--data", "data", "--epochs", "4", "--batch", "32",
                     "--learning-rate", "0.02", "--schedule", "cosine", "--flip", "--seed", "3", "--checkpoint", "checkpoint.tersor",
                     "--checkpoint-steps", "5", "--resume", "--output", "resumed.tersor", "--json", cwd=self.root)
        self.assertEqual(result.returncode, 0, result.stderr)
        expected = json.loads((GOLDEN / "v1/resumed.json").read_text())["epochs"][1:]
        found = json.loads(result.stdout)["epochs"]
        self.assertEqual([epoch["epoch"] for epoch in found], [2, 3, 4])
        for a, b in zip(found, expected):
            self.assertAlmostEqual(a["loss"], b["loss"], delta=1e-3 * b["loss"])
            self.assertAlmostEqual(a["learning_rate"], b["learning_rate"], delta=1e-9)
            self.assertAlmostEqual(a["validation_accuracy"], b["validation_accuracy"], delta=0.04)

    def test_version_1_study_goes_on(self):
        """Its points are not measured again: every figure is the one of the file."""
        write_idx(self.make("data"))
        shutil.copytree(GOLDEN / "v1/study", self.root / "study")
        for name in ("model_f32.tersor", "study_recipe.yaml"):
            shutil.copy(GOLDEN / "v1" / name, self.root / name)
        # A study goes on only on the machine that it was begun on, which this need not be.
        with contextlib.closing(sqlite3.connect(self.root / "study/study.sqlite")) as database:
            database.execute("DELETE FROM facts WHERE key = 'machine'")
            database.commit()
        result = run("shrink", "model_f32.tersor", "--data", "data", "--out", "study", "--recipe", "study_recipe.yaml", "--limit", "64",
                     "--max-accuracy-drop", "5", "--json", cwd=self.root)
        self.assertEqual(result.returncode, 0, result.stderr)
        expected = {point["file"].split("/")[-1]: point for point in json.loads((GOLDEN / "v1/study/front.json").read_text())["front"]}
        found = {point["file"].split("/")[-1]: point for point in json.loads(result.stdout)["front"]}
        self.assertEqual(set(found), set(expected))
        for file, point in found.items():
            for figure in ("validation_top1", "file_bytes", "latency_us", "arena_bytes", "macs", "parameters"):
                self.assertEqual(point[figure], expected[file][figure], f"{file} {figure}")
            self.assertEqual((self.root / "study/models" / file).read_bytes(), (GOLDEN / "v1/study/models" / file).read_bytes())

    def test_version_1_study_is_reported_and_not_changed(self):
        shutil.copytree(GOLDEN / "v1/study", self.root / "study")
        result = run("report", "study", "--json", "--html", "report.html", "--csv", "points.csv", cwd=self.root)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((self.root / "study/study.sqlite").read_bytes(), (GOLDEN / "v1/study/study.sqlite").read_bytes())
        expected, found = json.loads((GOLDEN / "v1/study/front.json").read_text()), json.loads(result.stdout)
        self.assertEqual([point["name"] for point in found["front"]], [point["name"] for point in expected["front"]])
        for a, b in zip(found["front"] + [found["best"]], expected["front"] + [expected["best"]]):
            a["file"] = a["file"].removeprefix("study/")
            self.assertEqual(a, a | b, "every figure of then is one of today")
        self.assertEqual(found["reference_validation_top1"], expected["reference_validation_top1"])
        self.assertEqual(found["limits"], [{"metric": "validation_top1", "max_drop": 0.05}])

    def make(self, name):
        folder = self.root / name
        folder.mkdir()
        return folder


if __name__ == "__main__":
    unittest.main()
