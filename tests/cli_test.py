"""The command line: exit codes, one clear error, JSON and nothing else."""
import gzip
import json
import os
import pathlib
import resource
import struct
import subprocess
import tempfile
import unittest

TERSOR = os.environ["TERSOR_BINARY"]


def run(*arguments, **options):
    return subprocess.run([TERSOR, *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)


def write_idx(folder, count=256, size=12):
    """A small IDX set of two classes: a bright left or right half."""
    for prefix, offset in (("train", 0), ("t10k", 7)):
        images, labels = bytearray(), bytearray()
        for i in range(count):
            label = (i * 7 + offset + i // 3) % 2
            labels.append(label)
            for p in range(size * size):
                bright = (p % size >= size // 2) == bool(label)
                images.append((40 + 150 * bright + (i * 31 + p * 17) % 50) % 256)
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labels)
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(
            gzip.compress(struct.pack(">IIII", 0x803, count, size, size) + images))


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.folder.name)
        cls.data = cls.root / "data"
        cls.data.mkdir()
        write_idx(cls.data)
        cls.model = cls.root / "model.tersor"
        result = run("train", "--family", "survey-cnn", "--width", "0.05", "--data", cls.data, "--epochs", "2", "--batch", "32",
                     "--learning-rate", "0.02", "--output", cls.model, "--json")
        assert result.returncode == 0, result.stderr
        cls.trained = json.loads(result.stdout)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def assert_one_error(self, result, code, *words):
        """The exit code, nothing on standard output, and one line that has each word."""
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        lines = [line for line in result.stderr.splitlines() if not line.startswith("try: ")]
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertTrue(lines[0].startswith("tersor: "), lines[0])
        for word in words:
            self.assertIn(word, lines[0])

    def test_every_subcommand_has_help_with_an_example(self):
        text = run("--help").stdout
        for name in ("inspect", "run", "train", "eval", "bench", "convert", "opt"):
            self.assertIn(name, text)
            result = run(name, "--help")
            self.assertEqual(result.returncode, 0)
            self.assertIn(f"example: tersor {name}", result.stdout)

    def test_usage_errors_exit_with_2(self):
        self.assert_one_error(run(), 2)
        self.assert_one_error(run("shrik"), 2)
        self.assert_one_error(run("eval", self.model), 2, "--data")
        self.assert_one_error(run("eval", self.model, "--data", self.data, "--split", "tset"), 2, "tset")
        self.assert_one_error(run("bench", self.model, "--threads", "0"), 2, "--threads")
        self.assert_one_error(run("opt", self.model, "--pass", "fold"), 2, "fold-constants")
        self.assert_one_error(run("bench", self.model, env=os.environ | {"TERSOR_CPU": "sse"}), 2, "TERSOR_CPU")

    def test_failures_exit_with_1(self):
        self.assert_one_error(run("inspect", self.root / "none.tersor"), 1, "none.tersor", "No such file")
        (self.root / "noise.tflite").write_bytes(bytes(range(256)) * 4)
        self.assert_one_error(run("inspect", self.root / "noise.tflite"), 1, "noise.tflite")
        self.assert_one_error(run("eval", self.model, "--data", self.root / "nothing"), 1, "nothing")
        damaged = self.root / "damaged.tersor"
        bytes_ = bytearray(self.model.read_bytes())
        bytes_[len(bytes_) // 2] ^= 0x55
        damaged.write_bytes(bytes_)
        self.assert_one_error(run("inspect", damaged), 1, "damaged.tersor")

    def test_truncated_data_names_file_and_size(self):
        broken = self.root / "broken"
        broken.mkdir(exist_ok=True)
        for file in self.data.iterdir():
            (broken / file.name).write_bytes(file.read_bytes())
        images = broken / "t10k-images-idx3-ubyte.gz"
        images.write_bytes(images.read_bytes()[:200])
        self.assert_one_error(run("eval", self.model, "--data", broken), 1, "t10k-images-idx3-ubyte.gz")

    def test_a_file_that_cannot_be_written_leaves_nothing(self):
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        target = self.root / "full" / "copy.tersor"
        target.parent.mkdir(exist_ok=True)
        result = subprocess.run([TERSOR, "convert", str(self.model), str(target), "--no-compress"], capture_output=True,
                                text=True, preexec_fn=small_files, timeout=60)
        self.assert_one_error(result, 1, "copy.tersor")
        self.assertEqual(list(target.parent.iterdir()), [])
        self.assert_one_error(run("convert", self.model, self.root / "no" / "folder" / "x.tersor"), 1, "x.tersor")
        self.assert_one_error(run("convert", self.model, self.root / "x.pb"), 2, "x.pb")

    def test_every_command_that_writes_a_model_can_leave_weights_uncoded(self):
        whole = self.root / "whole.tersor"
        self.assertEqual(run("train", "--family", "survey-cnn", "--width", "0.25", "--data", self.data, "--epochs", "1", "--batch",
                             "128", "--output", whole, "--no-compress").returncode, 0)
        for command in (("convert", whole, "OUT"), ("opt", whole, "--output", "OUT"),
                        ("quantize", whole, "--kind", "float16", "--output", "OUT")):
            sizes = []
            for flags in ((), ("--compress",), ("--no-compress",)):
                target = self.root / "written.tersor"
                result = run(*(target if word == "OUT" else word for word in command), *flags)
                self.assertEqual(result.returncode, 0, result.stderr)
                sizes.append(target.stat().st_size)
            self.assertEqual(sizes[0], sizes[1], command)
            self.assertLess(sizes[1], sizes[2], command)
        coded = self.root / "coded.tersor"
        self.assertEqual(run("convert", whole, coded).returncode, 0)
        self.assertLess(coded.stat().st_size, whole.stat().st_size)

    def test_inspect_plan(self):
        text = run("inspect", self.model, "--plan").stdout
        self.assertRegex(text, r"^plan @\S+ \{batch=1, threads=1, cpu=")
        found = json.loads(run("inspect", self.model, "--plan", "--threads", "2", "--json").stdout)
        self.assertEqual(found["threads"], 2)
        self.assertEqual(text.count(" = "), len(found["steps"]))
        for step in found["steps"]:
            self.assertIn(f'{step["op"]} [{step["kernel"]}](', text)

    def plan_models(self, *arguments):
        tool = pathlib.Path(TERSOR).resolve().parent / "tools/tersor_plan_models"
        return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, timeout=300)

    def test_what_a_smaller_library_needs(self):
        into = self.root / "smaller"
        found = self.plan_models("--into", into, "--cpu", "reference", "--for", self.model)
        self.assertEqual(found.returncode, 0, found.stderr)
        operators, kernels, encoded = found.stdout.split()
        self.assertEqual(operators.split("=")[1].split(";"), ["Conv2d", "FullyConnected", "MaxPool2d", "Reshape", "Softmax"])
        self.assertIn("conv2d_f32/reference", kernels.split("=")[1].split(";"))
        self.assertNotIn("avx", kernels)
        self.assertEqual(encoded, "-DTERSOR_ENCODED_WEIGHTS=OFF")
        prepared = into / "models" / (self.model.stem + ".tersor")
        self.assertEqual(run("inspect", prepared).returncode, 0)
        table = (into / "selected/tersor/c_api/planned_models.inc").read_text()
        self.assertTrue(all(0 <= int(byte) <= 255 for byte in table.replace("\n", "").rstrip(",").split(",")))
        golden = pathlib.Path(__file__).resolve().parent / "golden/v1/model_encoded.tersor"
        found = self.plan_models("--into", into, "--cpu", "reference", "--threads", "1", "--batch", "2", "--for", golden)
        self.assertEqual(found.stdout.split()[2], "-DTERSOR_ENCODED_WEIGHTS=ON", found.stderr)

    def test_a_smaller_library_refuses_wrong_arguments(self):
        for arguments, code, words in [
            (["--into", self.root / "x"], 2, "--for takes models"),
            (["--for", self.model], 2, "--into takes one folder"),
            (["--into", self.root / "x", "--with", "y", "--for", self.model], 2, "there is no flag --with"),
            (["x", "--for", self.model], 2, "'x' stands before any flag"),
            (["--into", self.root / "x", "--threads", "0", "--for", self.model], 2, "'0': expected a number from 1"),
            (["--into", self.root / "x", "--cpu", "z80", "--for", self.model], 2, "there is no CPU level 'z80'"),
            (["--into", self.root / "x", "--for", self.model, self.model], 2, "two models would become"),
            (["--into", self.root / "x", "--for", self.root / "absent.tersor"], 1, "absent.tersor"),
        ]:
            found = self.plan_models(*arguments)
            self.assertEqual((found.returncode, found.stdout), (code, ""), found.stderr)
            self.assertIn(words, found.stderr)
            self.assertEqual(len(found.stderr.splitlines()), 1, found.stderr)

    def test_inspect_json(self):
        found = json.loads(run("inspect", self.model, "--json").stdout)
        self.assertEqual(found["parameters"], self.trained["parameters"])
        self.assertEqual(found["file_bytes"], self.model.stat().st_size)
        self.assertEqual(found["inputs"][0]["shape"], [-1, 12, 12, 1])
        self.assertEqual(found["outputs"][0]["shape"], [-1, 2])
        self.assertEqual(found["ops"]["conv2d"], 6)
        self.assertEqual(found["metadata"]["normalize"], "signed")
        self.assertGreater(found["macs"], 0)

    def test_inspect_says_how_weights_are_stored(self):
        model = pathlib.Path(__file__).resolve().parent / "golden/v1/model_encoded.tersor"
        found = json.loads(run("inspect", model, "--json").stdout)
        weights = {variable["name"]: variable for variable in found["variables"]}
        self.assertEqual(weights["second.filter"], {
            "name": "second.filter", "type": "f32[10,64]", "encoding": "palette", "parameters": [16, -1, 0],
            "bytes": 16 * 4 + 320, "bits_per_element": 4.8, "distinct": 16})
        self.assertEqual(weights["first.filter"]["encoding"], "nm")
        self.assertEqual(weights["first.filter"]["bytes"], 64 * 16 * 4 + 64 * 16 // 4)
        self.assertEqual(weights["groups"]["encoding"], "dense")
        self.assertEqual(weights["groups"]["bits_per_element"], 4)
        self.assertEqual(found["stored_bytes"], sum(variable["bytes"] for variable in found["variables"]))
        self.assertGreater(found["variable_bytes"], found["stored_bytes"])
        text = run("inspect", model).stdout
        self.assertIn("second.filter: f32[10,64], palette(16, -1, 0), 384 bytes, 4.80 bits an element, 16 distinct", text)

    def test_eval_json_and_threads(self):
        one = json.loads(run("eval", self.model, "--data", self.data, "--json").stdout)
        two = json.loads(run("eval", self.model, "--data", self.data, "--json", "--threads", "2").stdout)
        self.assertEqual(one, two)
        self.assertEqual(one["count"], 256)
        self.assertEqual(one["correct"], sum(c["correct"] for c in one["classes"]))
        self.assertAlmostEqual(one["top1"], one["correct"] / 256)
        self.assertGreater(one["top1"], 0.9)
        self.assertEqual(one["top5"], 1.0)

    def test_bench_json(self):
        found = json.loads(run("bench", self.model, "--min-time", "0.05", "--json").stdout)
        self.assertLessEqual(found["latency_us"]["p50"], found["latency_us"]["p99"])
        self.assertGreater(found["arena_bytes"], 0)
        self.assertTrue(found["ops"])
        for op in found["ops"]:
            self.assertLessEqual({"name", "op", "us", "gops", "share_of_peak"}, set(op))

    def test_run_reads_and_writes_npy(self):
        source, target = self.root / "x.npy", self.root / "y.npy"
        header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 12, 12, 1), }"
        header += " " * (64 - (10 + len(header) + 1) % 64) + "\n"
        source.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(3 * 144 * 4))
        result = run("run", self.model, "--input", source, "--output", target, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads(result.stdout)["outputs"][0]["shape"], [3, 2])
        values = struct.unpack("<6f", target.read_bytes()[-24:])
        self.assertEqual(values[0:2], values[2:4])
        self.assertAlmostEqual(values[0] + values[1], 1, places=5)
        self.assert_one_error(run("run", self.model), 2, "--input")
        self.assert_one_error(run("run", self.model, "--input", self.root / "none.npy"), 1, "none.npy")
        target.unlink()
        source.write_bytes(source.read_bytes()[:-4] + struct.pack("<f", float("nan")))
        refused = run("run", self.model, "--input", source, "--output", target)
        self.assert_one_error(refused, 1, str(source), "nan at [2,11,11,0]")
        self.assertFalse(target.exists())

    def test_convert_keeps_the_results(self):
        tflite = self.root / "model.tflite"
        self.assertEqual(run("convert", self.model, tflite).returncode, 0)
        a = json.loads(run("eval", self.model, "--data", self.data, "--json").stdout)
        b = json.loads(run("eval", tflite, "--data", self.data, "--json", "--normalize", "signed").stdout)
        self.assertEqual(a["correct"], b["correct"])

    def test_opt_prints_text_that_it_reads(self):
        text = self.root / "graph.txt"
        self.assertEqual(run("opt", self.model, "--output", text, "--data", "--quiet").returncode, 0)
        again = run("opt", text, "--pass", "remove-dead", "--data", "--quiet")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(again.stdout, text.read_text())


if __name__ == "__main__":
    unittest.main()
