"""Commands that make models by recipes: `quantize` and the other techniques, `compress`, `train`: every figure, every flag's way, errors."""
import json
import os
import pathlib
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cli_test import CommandLine as Shared, run  # noqa: E402

TRAIN, VALIDATION, TEST = 96, 40, 24  # examples: a count says which split was read
SIDE = 12


def write_npy(path, descr, shape, data):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (64 - (10 + len(header) + 1) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


def write_splits(folder):
    """Bright left (0) or right (1) halves. Pixels of the train split reach 249, those of the others 199, and all labels of the test split
    are the wrong way round."""
    for split, count, bright, swap in (("train", TRAIN, 190, 0), ("val", VALIDATION, 140, 0), ("test", TEST, 140, 1)):
        images, labels = bytearray(), []
        for i in range(count):
            side = (i * 7 + i // 3) % 2
            labels.append(side ^ swap)
            for p in range(SIDE * SIDE):
                lit = (p % SIDE >= SIDE // 2) == bool(side)
                images.append(10 + bright * lit + (i * 31 + p * 17) % 50)
        write_npy(folder / f"x_{split}.npy", "|u1", (count, SIDE, SIDE, 1), bytes(images))
        write_npy(folder / f"y_{split}.npy", "<i4", (count,), struct.pack(f"<{count}i", *labels))


class Recipes(unittest.TestCase):
    assert_one_error = Shared.assert_one_error

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.folder.name)
        cls.data = cls.root / "data"
        cls.data.mkdir()
        write_splits(cls.data)
        cls.model = cls.root / "model.tersor"
        cls.train_flags = ("--family", "survey-cnn", "--width", "0.05", "--data", cls.data, "--epochs", "8", "--batch", "16",
                           "--learning-rate", "0.02", "--batch-norm-momentum", "0.7")
        result = run("train", *cls.train_flags, "--output", cls.model, "--json")
        assert result.returncode == 0, result.stderr
        cls.trained = json.loads(result.stdout)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def made(self, *arguments, output="made.tersor"):
        """What a command says with --json, and the file that it wrote."""
        path = self.root / output
        path.unlink(missing_ok=True)
        result = run(*arguments, "--output", path, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        return json.loads(result.stdout), path

    def inspected(self, path):
        return json.loads(run("inspect", path, "--json").stdout)

    def recipe(self, text):
        path = self.root / "recipe.yaml"
        path.write_text(text)
        return path

    # --- train ---

    def test_train_json(self):
        self.assertEqual(self.trained["file"], str(self.model))
        self.assertEqual(self.trained["file_bytes"], self.model.stat().st_size)
        found = self.inspected(self.model)
        self.assertEqual(self.trained["parameters"], found["parameters"])
        self.assertEqual([epoch["epoch"] for epoch in self.trained["epochs"]], list(range(1, 9)))
        for epoch in self.trained["epochs"]:
            self.assertEqual(set(epoch), {"epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate",
                                          "images_per_second", "seconds"})
            self.assertAlmostEqual(epoch["validation_accuracy"] * VALIDATION, round(epoch["validation_accuracy"] * VALIDATION))
            self.assertAlmostEqual(epoch["accuracy"] * TRAIN, round(epoch["accuracy"] * TRAIN))
        self.assertLess(self.trained["epochs"][-1]["loss"], self.trained["epochs"][0]["loss"])

    def test_train_validates_on_the_validation_split(self):
        last = self.trained["epochs"][-1]["validation_accuracy"]
        for split, count in (("validation", VALIDATION), ("test", TEST)):
            found = json.loads(run("eval", self.model, "--data", self.data, "--split", split, "--json").stdout)
            self.assertEqual(found["count"], count)
            self.assertEqual(abs(found["top1"] - last) < 1e-9, split == "validation", split)

    def test_the_recipe_of_training_is_kept(self):
        steps = json.loads(self.inspected(self.model)["metadata"]["recipe"])
        self.assertEqual(list(steps[0]), ["train"])
        options = steps[0]["train"]
        self.assertEqual((options["family"], options["width"], options["epochs"], options["batch_size"], options["learning_rate"],
                          options["seed"]), ("survey-cnn", 0.05, 8, 16, 0.02, 1))
        self.assertNotIn("beta1", options, "it has no meaning with sgd")

    def test_train_quiet_prints_the_file_alone(self):
        path = self.root / "quiet.tersor"
        flags = ("--model", self.model, "--data", self.data, "--epochs", "1", "--batch", "32", "--output", path)
        quiet = run("train", *flags, "--quiet")
        self.assertEqual(quiet.stdout.splitlines(), [f"{path}: 12,049 parameters, {path.stat().st_size:,} bytes"])
        self.assertEqual(quiet.stderr, "")
        loud = run("train", *flags)
        self.assertRegex(loud.stdout.splitlines()[0], r"^epoch 1/1  loss \d+\.\d{4}  accuracy \d+\.\d\d %  validation \d+\.\d\d %  rate ")

    def test_train_goes_on_with_a_model(self):
        found, path = self.made("train", "--model", self.model, "--data", self.data, "--epochs", "1", "--batch", "32", "--seed", "5")
        self.assertEqual(len(found["epochs"]), 1)
        steps = json.loads(self.inspected(path)["metadata"]["recipe"])
        self.assertEqual((list(steps[0]), steps[0]["finetune"]["seed"]), (["finetune"], 5))
        self.assertNotIn("width", steps[0]["finetune"])

    def test_train_on_validation_too(self):
        found, _ = self.made("train", "--model", self.model, "--data", self.data, "--epochs", "1", "--batch", str(TRAIN + VALIDATION),
                             "--no-validation")
        self.assertEqual(found["epochs"][0]["validation_accuracy"], 0)

    def test_train_errors(self):
        common = ("--data", self.data, "--output", self.root / "x.tersor")
        self.assert_one_error(run("train", *common), 2, "--family", "--model")
        self.assert_one_error(run("train", "--family", "survey-cnn", "--model", self.model, *common), 2, "--family", "--model")
        self.assert_one_error(run("train", "--model", self.model, "--width", "0.1", *common), 2, "--width")
        self.assert_one_error(run("train", "--family", "resnet", *common), 2, "resnet", "survey-cnn")
        self.assert_one_error(run("train", "--family", "survey-cnn", "--width", "4", *common), 2, "--width", "0.05 to 3")
        self.assert_one_error(run("train", "--family", "survey-cnn", "--momentum", "1", *common), 2, "--momentum", "0 to 0.9999")
        self.assert_one_error(run("train", "--family", "survey-cnn", "--schedule", "cosin", *common), 2, "cosin", "cosine")
        self.assert_one_error(run("train", "--family", "survey-cnn", "--warmup", "3", *common), 2, "--warmup", "--warmup-steps")
        self.assertFalse((self.root / "x.tersor").exists())

    # --- quantize ---

    def test_quantize_json(self):
        found, path = self.made("quantize", self.model, "--data", self.data)
        self.assertEqual(set(found), {"file", "recipe", "file_bytes", "source_bytes", "weight_bytes", "source_weight_bytes", "steps"})
        self.assertEqual(found["file"], str(path))
        self.assertEqual(found["file_bytes"], path.stat().st_size)
        self.assertEqual(found["source_bytes"], self.model.stat().st_size)
        self.assertEqual(found["source_weight_bytes"], 4 * 12048 + 8 + 4, "all variables of the model, with the dropout's counter")
        self.assertLess(found["weight_bytes"], 0.4 * found["source_weight_bytes"])
        self.assertEqual(found["recipe"], [{"quantize": {"calibration": "mse", "calibration_examples": 512, "kind": "full-integer",
                                                         "per_channel": True, "skip": False}}])
        [step] = found["steps"]
        self.assertEqual(set(step), {"step", "calibration_examples", "changed", "left_out"})
        self.assertEqual(step["step"], "full-integer mse")
        self.assertEqual(step["left_out"], [])
        self.assertEqual(sum(entry["op"] == "conv2d" for entry in step["changed"]), 6)
        for entry in step["changed"]:
            self.assertEqual(set(entry), {"name", "op", "note"})
            self.assertIn("i8", entry["note"])
        metadata = self.inspected(path)["metadata"]
        self.assertEqual((metadata["normalize"], json.loads(metadata["recipe"])), ("signed", found["recipe"]))

    def test_quantize_calibrates_on_the_train_split(self):
        found, path = self.made("quantize", self.model, "--data", self.data, "--calibration", "min-max")
        self.assertEqual(found["steps"][0]["calibration_examples"], TRAIN)
        # -1 to 249 / 127.5 - 1; those of the other splits would end at 199 / 127.5 - 1.
        self.assertAlmostEqual(self.inspected(path)["inputs"][0]["scale"], 249 / 127.5 / 255, delta=0.1 / 255)

    def test_quantize_flags(self):
        def recipe(*flags):
            found, _ = self.made("quantize", self.model, "--data", self.data, *flags)
            return found["recipe"][0]["quantize"], found["steps"][0]

        options, step = recipe("--samples", "10")
        self.assertEqual((options["calibration_examples"], step["calibration_examples"]), (10, 10))
        options, step = recipe("--calibration-examples", "0")
        self.assertEqual(step["calibration_examples"], TRAIN)
        options, step = recipe("--method", "percentile", "--percentile", "99.5")
        self.assertEqual((options["calibration"], options["percentile"], step["step"]),
                         ("percentile", 99.5, "full-integer percentile 99.5"))
        options, step = recipe("--no-per-channel")
        self.assertEqual((options["per_channel"], step["step"]), (False, "full-integer mse per-tensor"))
        options, step = recipe("--exclude", "dense*", "--exclude", "probabilities", "--exclude-op", "add")
        self.assertEqual(options["by_name"], [["dense*", {"skip": True}], ["probabilities", {"skip": True}]])
        self.assertEqual(options["by_operator"], [["add", {"skip": True}]])
        left = {(entry["op"], entry["note"]) for entry in step["left_out"]}
        self.assertEqual(left, {("fully_connected", "excluded"), ("softmax", "excluded"), ("add", "excluded")})
        options, step = recipe("--by-name", "conv1*:per_channel=false,calibration=min-max", "--by-operator", "conv2d:skip=yes", "--by-name",
                               "conv1*:skip=no")
        self.assertEqual(options["by_name"], [["conv1*", {"calibration": "min-max", "per_channel": False}], ["conv1*", {"skip": False}]])
        self.assertEqual(sum(entry["op"] == "conv2d" for entry in step["changed"]), 1, "one convolution is not skipped")
        self.assertEqual(recipe("--exclude-operators", "softmax")[0]["by_operator"], [["softmax", {"skip": True}]])
        # A name may have colons, and a place that is none is refused before anything is written.
        result = run("quantize", self.model, "--data", self.data, "--output", self.root / "none.tersor", "--by-name", "model/dense:0:skip=true")
        self.assertEqual((result.returncode, (self.root / "none.tersor").exists()), (2, False))
        self.assertIn("'model/dense:0' is the name of no result and no filter of the model", result.stderr)

    def test_quantize_kinds(self):
        sizes = {}
        for kind in ("float16", "weight-only", "dynamic-range"):
            found, path = self.made("quantize", self.model, "--kind", kind)  # without data
            self.assertEqual(found["steps"][0]["step"], kind)
            self.assertEqual(found["steps"][0]["calibration_examples"], 0)
            sizes[kind] = path.stat().st_size
            self.assertEqual(self.inspected(path)["metadata"]["quantization"], kind)
        self.assertLess(sizes["weight-only"], sizes["float16"])
        self.assertLess(sizes["float16"], self.model.stat().st_size)

    def test_quantize_text(self):
        path = self.root / "text.tersor"
        result = run("quantize", self.model, "--data", self.data, "--samples", "20", "--exclude", "dense2*", "--output", path)
        lines = result.stdout.splitlines()
        self.assertEqual(lines[:2], ["full-integer mse 20 examples without dense2*:", "changed:"])
        self.assertRegex(lines[2], r"^  conv2d \S+: i8, scale \S+, zero point -?\d+; filter i8 with a scale per channel$")
        at = lines.index("left as it is:")
        self.assertRegex(lines[at + 1], r"^  fully_connected \S+: excluded$")
        self.assertEqual(lines[at + 2], "calibrated on 20 training examples")
        before, after = self.model.stat().st_size, path.stat().st_size
        self.assertEqual(lines[at + 3:], [f"{path}: {after:,} bytes, {100 * after / before:.1f} % of {self.model} ({before:,})"])
        quiet = run("quantize", self.model, "--data", self.data, "--samples", "20", "--exclude", "dense2*", "--output", path, "--quiet")
        self.assertEqual(quiet.stdout.splitlines(), lines[-1:])

    def test_quantize_errors(self):
        common = ("quantize", self.model, "--output", self.root / "x.tersor")
        self.assert_one_error(run("quantize", self.model), 2, "--output")
        self.assert_one_error(run(*common), 2, "--data")
        self.assert_one_error(run(*common, "--kind", "int8"), 2, "--kind", "int8", "full-integer")
        self.assert_one_error(run(*common, "--percentile", "0"), 2, "--percentile", "more than 0, at most 100")
        self.assert_one_error(run(*common, "--samples", "some"), 2, "whole number")
        self.assert_one_error(run(*common, "--exclude-op", "conv9"), 2, "conv9")
        self.assert_one_error(run(*common, "--by-operator", "conv9:skip=true"), 2, "--by-operator", "conv9")
        self.assert_one_error(run(*common, "--by-name", "conv1"), 2, "--by-name", "PLACE:option=value")
        self.assert_one_error(run(*common, "--by-name", "conv1:kind=float16"), 2, "one value for the whole model")
        self.assert_one_error(run(*common, "--by-name", "conv1:skip=maybe"), 2, "skip", "true or false")
        self.assert_one_error(run(*common, "--by-name", "conv1:skop=true"), 2, "skop", "skip")
        self.assert_one_error(run(*common, "--data", self.root / "none"), 1, "none")
        self.assert_one_error(run("quantize", self.root / "none.tersor", "--output", self.root / "x.tersor"), 1, "none.tersor")
        small, path = self.made("quantize", self.model, "--data", self.data)
        self.assert_one_error(run("quantize", path, "--data", self.data, "--output", self.root / "x.tersor"), 2, "expected f32")
        self.assertFalse((self.root / "x.tersor").exists())

    # --- compress ---

    def test_compress_follows_the_steps(self):
        recipe = self.recipe("steps:\n  - finetune: {epochs: 2, batch_size: 32, learning_rate: 0.001, batch_norm_momentum: 0.7}\n"
                             "  - quantize: {calibration_examples: 30, exclude: dense2*}\n")
        found, path = self.made("compress", self.model, "--recipe", recipe, "--data", self.data, "--seed", "9")
        self.assertEqual([list(step)[0] for step in found["recipe"]], ["finetune", "quantize"])
        self.assertEqual(found["recipe"][0]["finetune"]["seed"], 9)
        tuned, quantized = found["steps"]
        self.assertEqual((tuned["epochs"], quantized["calibration_examples"]), (2, 30))
        self.assertGreater(tuned["validation_accuracy"], 0.9)
        self.assertEqual({entry["op"] for entry in quantized["left_out"]}, {"fully_connected"})
        self.assertEqual(found["file_bytes"], path.stat().st_size)
        found = json.loads(run("eval", path, "--data", self.data, "--split", "validation", "--json").stdout)
        self.assertGreater(found["top1"], 0.9)
        text = run("compress", self.model, "--recipe", recipe, "--data", self.data, "--output", path).stdout.splitlines()
        self.assertTrue(text[0].startswith("finetune epochs=2 "), text[0])
        self.assertRegex(text[1], r"^trained for 2 epochs, validation \d+\.\d\d %$")
        self.assertEqual(text[2], "full-integer mse 30 examples without dense2*:")

    def test_compress_can_begin_with_training(self):
        recipe = self.recipe("steps:\n  - train: {width: 0.05, epochs: 1, batch_size: 32}\n  - quantize: {kind: float16}\n")
        found, path = self.made("compress", "--recipe", recipe, "--data", self.data, "--limit", "64")
        self.assertEqual((found["source_bytes"], found["source_weight_bytes"]), (0, 0))
        self.assertEqual(self.inspected(path)["metadata"]["normalize"], "signed")

    def test_compress_errors(self):
        def error(text, code, *words, model=self.model):
            result = run("compress", *([model] if model else []), "--recipe", self.recipe(text), "--output", self.root / "x.tersor")
            self.assert_one_error(result, code, *words)

        error("steps:\n  - quantise\n", 2, "recipe.yaml", "line 2", "did you mean 'quantize'?")
        error("steps:\n  - quantize: {kind: [float16, weight-only]}\n", 2, "2 candidates", "tersor shrink")
        error("steps: [quantize]", 2, "--data")
        error("steps: [{quantize: {kind: float16}}]", 2, "there is no model", model=None)
        error("steps: [{quantize: {kind: float16}}, {quantize: {kind: full-integer}}]", 2, "step 2, quantize")
        self.assert_one_error(run("compress", self.model, "--output", self.root / "x.tersor"), 2, "--recipe")
        self.assert_one_error(run("compress", self.model, "--recipe", self.root / "no.yaml", "--output", self.root / "x.tersor"), 1,
                              "no.yaml")
        self.assertFalse((self.root / "x.tersor").exists())

    # --- shrink ---

    def test_shrink_selects_and_reports_by_different_splits(self):
        study = self.root / "study"
        result = run("shrink", self.model, "--data", self.data, "--recipe", self.recipe("candidates: [original]"), "--out", study, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        best = json.loads(result.stdout)["best"]
        self.assertGreater(best["validation_top1"], 0.9)
        self.assertLess(best["top1"], 0.1, "labels of the test split are the wrong way round")
        self.assertEqual(best["recipe"]["steps"], [])

    def test_a_technique_is_in_help(self):
        text = run("--help").stdout
        for name in ("compress", "quantize", "train"):
            self.assertIn(name, text)
            self.assertIn(f"example: tersor {name}", run(name, "--help").stdout)


if __name__ == "__main__":
    unittest.main()
