"""What people type wrong: each is refused by one clear line before any work is done, with exit code 2 for a command line that makes no sense
and 1 for every other failure, and leaves no file."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cli_test import TERSOR, run  # noqa: E402
from splits import write_distinct_splits  # noqa: E402

TRAIN = ["train", "--family", "survey-cnn", "--width", "0.05", "--data", "DATA", "--epochs", "100000", "--batch", "16"]

# (arguments, exit code, words of the error). MODEL, DATA and OUT stand for paths that make sense.
MISTAKES = [
    (["shrink", "MODEL", "--data", "DATA", "--out", "OUT", "--min-accuracy", "nan"], 2, ["--min-accuracy", "'nan' is no number"]),
    (["shrink", "MODEL", "--data", "DATA", "--out", "OUT", "--max-latency-us", "nan"], 2, ["--max-latency-us", "'nan' is no number"]),
    (["trian", "MODEL"], 2, ["there is no command 'trian', did you mean 'train'?"]),
    (["eval", "MODEL"], 2, ["--data is required"]),
    (["eval", "MODEL", "--dat", "DATA"], 2, ["--dat is unknown, did you mean '--data'?"]),
    (["eval", "nothing.tersor", "--data", "DATA"], 1, ["nothing.tersor", "No such file"]),
    (["eval", "DATA", "--data", "DATA"], 1, ["splits.npz", "not a model file of a known format"]),
    (["eval", "MODEL", "--data", "nothing.npz"], 1, ["nothing.npz"]),
    (["eval", "MODEL", "--data", "MODEL"], 1, ["model.tersor"]),
    (["eval", "MODEL", "--data", "DATA", "--split", "tset"], 2, ["--split is 'tset'", "train, validation, test"]),
    (["eval", "MODEL", "--data", "DATA", "--normalize", "zero-one"], 2, ["--normalize", "zero-one"]),
    (["eval", "MODEL", "--data", "DATA", "--threads", "0"], 2, ["--threads"]),
    (["eval", "MODEL", "--data", "DATA", "--limit", "-1"], 2, ["--limit"]),
    ([*TRAIN, "--output", "OUT.pb"], 2, ["OUT.pb", "no model format has this extension, known are"]),
    ([*TRAIN, "--output", "OUT"], 2, ["no model format has this extension"]),
    ([*TRAIN, "--output", "no/folder/x.tersor"], 1, ["no/folder/x.tersor", "No such file or directory"]),
    ([*TRAIN, "--output", "FOLDER.tersor"], 1, ["FOLDER.tersor", "it is a directory"]),
    ([*TRAIN, "--output", "OUT.tersor", "--checkpoint", "no/folder/c"], 1, ["no/folder/c", "No such file or directory"]),
    ([*TRAIN, "--output", "OUT.tersor", "--resume", "--checkpoint", "DATA"], 1, ["splits.npz", "not a model file of a known format"]),
    ([*TRAIN, "--output", "OUT.tersor", "--checkpoint-steps", "-5"], 2, ["--checkpoint-steps"]),
    ([*TRAIN, "--output", "OUT.tersor", "--model", "MODEL"], 2, ["either --family", "or --model"]),
    (["train", "--data", "DATA", "--output", "OUT.tersor", "--model", "MODEL", "--width", "2"], 2, ["--width has a meaning only with --family"]),
    (["train", "--family", "survey-cn", "--data", "DATA", "--output", "OUT.tersor"], 2, ["survey-cn"]),
    (["train", "--family", "survey-cnn", "--data", "DATA", "--output", "OUT.tersor", "--learning-rate", "fast"], 2, ["--learning-rate", "fast"]),
    (["quantize", "MODEL", "--output", "OUT.tersor"], 2, ["data"]),
    (["quantize", "MODEL", "--output", "OUT.onxx", "--data", "nothing.npz"], 2, ["no model format has this extension"]),
    (["quantize", "MODEL", "--output", "OUT.tersor", "--data", "DATA", "--exclude", "conv99"], 2, ["'conv99' is the name of no result"]),
    (["quantize", "MODEL", "--output", "OUT.tersor", "--data", "DATA", "--exclude-operators", "mat_mul"], 2, ["the model has no operator mat_mul"]),
    (["quantize", "MODEL", "--output", "OUT.tersor", "--data", "DATA", "--exclude-operators", "conv3d"], 2, ["no operator is called 'conv3d'"]),
    (["shrink", "MODEL", "--data", "DATA", "--out", "OUT", "--min-accuracy", "0.9"], 2, ["--min-accuracy is in percent", "was 90 meant?"]),
    (["shrink", "MODEL", "--data", "DATA", "--out", "OUT", "--max-bytes", "100QB"], 2, ["--max-bytes", "100QB"]),
    (["shrink", "MODEL", "--data", "DATA", "--out", "OUT", "--recipe", "nothing.yaml"], 1, ["nothing.yaml"]),
    (["run", "MODEL"], 2, ["--input was given 0 times"]),
    (["convert", "MODEL", "OUT.pb"], 2, ["no model format has this extension"]),
    (["report", "nothing"], 1, ["nothing"]),
]


class Mistakes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.folder.name)
        write_distinct_splits(cls.root / "splits.npz")
        (cls.root / "FOLDER.tersor").mkdir()
        result = run("train", "--family", "survey-cnn", "--width", "0.05", "--data", cls.root / "splits.npz", "--epochs", "1", "--batch", "16",
                     "--output", cls.root / "model.tersor")
        assert result.returncode == 0, result.stderr
        cls.names = {"MODEL": cls.root / "model.tersor", "DATA": cls.root / "splits.npz"}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_each_is_refused_at_once(self):
        before = sorted(self.root.iterdir())
        for arguments, code, words in MISTAKES:
            with self.subTest(" ".join(arguments)):
                given = [self.names.get(word, self.root / word if word.startswith(("OUT", "FOLDER", "no")) else word) for word in arguments]
                result = run(*given)
                self.assertEqual((result.returncode, result.stdout), (code, ""), result.stderr)
                lines = [line for line in result.stderr.splitlines() if not line.startswith(("try: ", "tersor: note: "))]
                self.assertEqual(len(lines), 1, result.stderr)
                self.assertTrue(lines[0].startswith("tersor: "), lines[0])
                for word in words:
                    self.assertIn(word, lines[0])
                self.assertEqual(sorted(self.root.iterdir()), before)

    def test_without_a_command_the_way_is_shown(self):
        result = run()
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        for command in ("inspect, ", "quantize", "try: tersor --help", "try: tersor train ", "try: tersor shrink "):
            self.assertIn(command, result.stderr)

    def test_a_full_device_is_an_error_of_the_help(self):
        for arguments in (["--help"], ["eval", "--help"], ["--version"]):
            with open("/dev/full", "w") as full:
                result = subprocess.run([TERSOR, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual((result.returncode, result.stderr), (1, "tersor: cannot write standard output\n"))

    def test_two_trainings_do_not_write_one_model(self):
        command = [TERSOR, "train", "--family", "survey-cnn", "--width", "0.05", "--data", self.names["DATA"], "--epochs", "100000",
                   "--batch", "16", "--output", self.root / "OUT.tersor"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as first:
            try:
                first.stdout.readline()  # an epoch has ended
                second = run(*command[1:])
                self.assertEqual((second.returncode, second.stdout), (1, ""))
                self.assertEqual(second.stderr, f"tersor: another process is writing {self.root / 'OUT.tersor'}\n")
            finally:
                first.kill()
        for left in self.root.glob("OUT*"):
            left.unlink()

    def test_a_terminal_gets_no_control_characters(self):
        for name in ("red\x1b[31m.tersor", "bell\x07.tersor", "csi\u009b31m.tersor", "del\x7f.tersor"):
            result = run("eval", self.root / name, "--data", self.names["DATA"])
            self.assertEqual(result.returncode, 1)
            self.assertIn("\\x", result.stderr)
            self.assertEqual([c for c in result.stderr if c != "\n" and not c.isprintable()], [], ascii(result.stderr))
        named = self.root / "größe.tersor"
        self.assertIn(str(named), run("eval", named, "--data", self.names["DATA"]).stderr)


if __name__ == "__main__":
    unittest.main()
