"""`tersor eval`: each figure of its JSON and of its text, on the split that was asked for."""
import json
import math
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cli_test import run, write_idx  # noqa: E402
from splits import counts_of, write_distinct_splits  # noqa: E402


class Eval(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.folder.name)
        cls.data = cls.root / "splits.npz"
        write_distinct_splits(cls.data)
        cls.mixed = cls.root / "mixed.npz"
        write_distinct_splits(cls.mixed, wrong_every=3)
        cls.model = cls.root / "model.tersor"
        result = run("train", "--family", "survey-cnn", "--width", "0.05", "--data", cls.data, "--epochs", "60", "--batch", "8",
                     "--learning-rate", "0.02", "--normalize", "unit", "--output", cls.model)
        assert result.returncode == 0, result.stderr

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def eval(self, *arguments, data=None):
        result = run("eval", self.model, "--data", data or self.data, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_the_split_that_was_asked_for_is_evaluated(self):
        expected = {split: list(counts_of(split)) for split in ("train", "validation", "test")}
        expected["train+validation"] = [a + b for a, b in zip(expected["train"], expected["validation"])]
        for split, counts in expected.items():
            found = json.loads(self.eval("--split", split, "--json"))
            self.assertEqual(found["split"], split)
            self.assertEqual([entry["count"] for entry in found["classes"]], counts)
            self.assertEqual(found["count"], sum(counts))
        self.assertEqual(json.loads(self.eval("--json"))["split"], "test")

    def test_each_figure_of_the_json_is_its_own(self):
        found = json.loads(self.eval("--json", data=self.mixed))
        self.assertEqual(set(found), {"count", "correct", "top1", "top1_interval", "top5", "loss", "split", "normalize",
                                      "normalize_from", "classes"})
        self.assertEqual(found["correct"], sum(entry["correct"] for entry in found["classes"]))
        self.assertLess(found["correct"], found["count"], "a third of the labels is wrong")
        self.assertGreater(found["correct"], 0)
        self.assertEqual(found["count"], sum(entry["count"] for entry in found["classes"]))
        self.assertAlmostEqual(found["top1"], found["correct"] / found["count"])
        self.assertEqual(found["top5"], 1, "there are two classes")
        self.assertEqual([entry["name"] for entry in found["classes"]], ["0", "1"])
        self.assertEqual(found["normalize"], "unit", "as it was trained")
        self.assertEqual(found["normalize_from"], "model")
        low, high = found["top1_interval"]
        self.assertTrue(0 <= low < found["top1"] < high <= 1)
        raw = json.loads(self.eval("--json", "--normalize", "raw"))
        self.assertEqual((raw["normalize"], raw["normalize_from"]), ("raw", "flag"))

    def test_the_loss_is_that_of_the_labels(self):
        swapped = self.root / "swapped.npz"
        write_distinct_splits(swapped, wrong_every=1)
        right, wrong = json.loads(self.eval("--json")), json.loads(self.eval("--json", data=swapped))
        self.assertEqual(wrong["correct"], wrong["count"] - right["correct"])
        # With two classes the probabilities of both labels add up to 1, so one of the losses is at least that of guessing.
        self.assertGreaterEqual(right["loss"], 0)
        self.assertGreater(right["loss"] + wrong["loss"], 2 * math.log(2) - 1e-6)
        self.assertLess(min(right["loss"], wrong["loss"]), max(right["loss"], wrong["loss"]))

    def test_text_says_what_the_json_says(self):
        found = json.loads(self.eval("--json", data=self.mixed))
        lines = self.eval(data=self.mixed).splitlines()
        summary = re.fullmatch(r"top-1 ([\d.]+) %  \((\d+) of (\d+)\)   top-5 ([\d.]+) %   loss ([\d.]+)", lines[0])
        self.assertIsNotNone(summary, lines[0])
        self.assertEqual(summary.groups(), (f"{100 * found['top1']:.2f}", str(found["correct"]), str(found["count"]),
                                            f"{100 * found['top5']:.2f}", f"{found['loss']:.4f}"))
        low, high = found["top1_interval"]
        self.assertEqual(lines[1], f"top-1 is between {100 * low:.2f} and {100 * high:.2f} % (95 % interval)")
        self.assertEqual(lines[2], "pixels unit (model)")
        self.assertEqual(len(lines), 5)
        for line, entry in zip(lines[3:], found["classes"]):
            words = line.split()
            self.assertEqual(words[0], entry["name"])
            self.assertEqual(words[1], f"{100 * entry['correct'] / entry['count']:.2f}")
            self.assertEqual(words[3:], [f"({entry['correct']}", "of", f"{entry['count']})"])

    def notes(self, model, data, *arguments):
        result = run("eval", model, "--data", data, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return [line.removeprefix("tersor: note: ") for line in result.stderr.splitlines() if line.startswith("tersor: note: ")]

    def test_what_the_figures_hide_is_said(self):
        self.assertEqual(self.notes(self.model, self.data), [])
        half = self.root / "half.npz"
        write_distinct_splits(half, wrong_every=2)
        self.assertIn("about that of a guess among 2 classes", self.notes(self.model, half)[0])
        self.assertEqual(self.notes(self.model, half, "--quiet"), [])
        self.assertIn("one and the same label", self.notes(self.model, self.data, "--limit", "1")[0])

    def test_classes_without_examples_are_said(self):
        gap, model = self.root / "gap.npz", self.root / "gap.tersor"
        write_distinct_splits(gap, right_label=2)
        result = run("train", "--family", "survey-cnn", "--width", "0.05", "--data", gap, "--epochs", "30", "--batch", "8",
                     "--learning-rate", "0.02", "--output", model)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.notes(model, gap), ["no example has a label of 1 of the model's 3 classes"])

    def test_normalization_travels_in_every_format(self):
        tflite, again, silent = self.root / "m.tflite", self.root / "again.tersor", self.root / "silent.tflite"
        self.assertEqual(run("convert", self.model, tflite).returncode, 0)
        self.assertEqual(run("convert", tflite, again).returncode, 0)
        of_original = json.loads(self.eval("--json"))
        for model in (tflite, again):
            self.assertEqual(self.notes(model, self.data), [])
            found = json.loads(run("eval", model, "--data", self.data, "--json").stdout)
            self.assertEqual((found["normalize"], found["normalize_from"]), ("unit", "model"))
            self.assertEqual(found["correct"], of_original["correct"])
        # A file of somebody else says nothing of it: the assumption is said.
        silent.write_bytes(tflite.read_bytes().replace(b"tersor.normalize", b"others.normalize"))
        notes = self.notes(silent, self.data)
        self.assertIn("silent.tflite does not say how it wants its pixels: signed, [-1,1], is assumed", notes[0])
        self.assertEqual(self.notes(silent, self.data, "--normalize", "unit"), [])
        found = json.loads(run("eval", silent, "--data", self.data, "--json").stdout)
        self.assertEqual((found["normalize"], found["normalize_from"]), ("signed", "assumed"))

    def test_threads_and_batch_change_nothing(self):
        one = self.eval("--json")
        self.assertEqual(self.eval("--json", "--threads", "2"), one)
        batched, one = json.loads(self.eval("--json", "--batch", "7")), json.loads(one)
        self.assertAlmostEqual(batched.pop("loss"), one.pop("loss"), 5)
        self.assertEqual(batched, one)

    def test_limit_takes_so_many_examples_over_the_whole_split(self):
        found = json.loads(self.eval("--json", "--limit", "10"))
        self.assertEqual(found["count"], 10)
        self.assertTrue(all(entry["count"] > 0 for entry in found["classes"]))

    def test_images_and_arrays_give_the_same_kind_of_answer(self):
        folder = self.root / "idx"
        folder.mkdir()
        write_idx(folder, count=32)
        found = json.loads(self.eval("--json", "--stream", data=folder))
        self.assertEqual(found["count"], 32)

    def test_help_says_every_option(self):
        text = run("eval", "--help").stdout
        for word in ("MODEL", "--data", "--split", "--normalize", "--batch", "--limit", "--stream", "--threads", "--json",
                     "example: tersor eval"):
            self.assertIn(word, text)

    def test_what_does_not_fit_is_one_error(self):
        tall = self.root / "tall"
        tall.mkdir()
        write_idx(tall, count=8, size=9)
        result = run("eval", self.model, "--data", tall)
        self.assertEqual(result.returncode, 2)
        self.assertIn("cannot feed examples u8[8,9,9,1] to an input f32[N,12,12,1]", result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
