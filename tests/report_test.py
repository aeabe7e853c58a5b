"""`tersor report`: every figure of its JSON, its table and its output is the one that the study holds, under its own name."""
import contextlib
import csv
import json
import pathlib
import shutil
import sqlite3
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cli_test import run  # noqa: E402

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden/v1/study"
FIGURES = ("validation_top1", "test_top1", "file_bytes", "latency_us", "arena_bytes", "macs", "parameters")
# Name, technique, then the figures, no two of which are alike: a swap shows.
POINTS = [
    ("net original", "original", 0.905, 0.8875, 40_001, 80.25, 65_537, 1_234_567, 30_011),
    ("net float16", "float16", 0.91, 0.8725, 20_003, 120.5, 65_539, 1_234_571, 30_013),
    ("net full-integer", "full-integer", 0.7, 0.6875, 10_007, 40.125, 16_411, 1_234_577, 30_029),
    ("net full-integer, \"mse\"", "full-integer", 0.6, None, 10_009, 41.5, 16_417, 1_234_583, 30_047),
]
# best first: the accuracy of the first one is the highest, and the last one is beaten in all but latency, where it is as good
FRONT = ["net float16", "net original", "net full-integer"]


def recipe_of(name, technique):
    return {"model": "net", "technique": technique, "format": "tersor", "normalize": "signed", "number": name}


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        shutil.copytree(GOLDEN, self.root / "study")
        self.set_limits({"max_bytes": 30_000, "min_accuracy": 65})

    @contextlib.contextmanager
    def database(self):
        with contextlib.closing(sqlite3.connect(self.root / "study/study.sqlite")) as database:
            yield database
            database.commit()

    def set_limits(self, limits):
        with self.database() as database:
            database.execute("DELETE FROM points")
            for number, (name, technique, *figures) in enumerate(POINTS, 1):
                top1, test_top1, *others = figures
                recipe = json.dumps(recipe_of(name, technique), separators=(",", ":"), sort_keys=True)
                database.execute("INSERT INTO points VALUES (?, ?, 'hash', ?, ?, 'complete', '', ?, ?, ?, ?, ?, ?, ?, 1700000000)",
                                 (number, recipe, name, f"file-{number}.tersor", top1, test_top1, *others))
            for number, (state, reason) in enumerate([("failed", "no <kernel>"), ("running", "")], len(POINTS) + 1):
                database.execute("INSERT INTO points (id, recipe, recipe_hash, name, file, state, reason, created_unix_s) "
                                 "VALUES (?, ?, 'hash', ?, ?, ?, ?, 1)", (number, f"{{\"n\":{number}}}", state, state, state, reason))
            database.execute("UPDATE facts SET value = ? WHERE key = 'limits'", (json.dumps(limits),))

    def report(self, *arguments):
        result = run("report", "study", *arguments, cwd=self.root)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def expected_point(self, name):
        number, (_, technique, *figures) = next((n, point) for n, point in enumerate(POINTS, 1) if point[0] == name)
        expected = {"file": f"study/models/file-{number}.tersor", "name": name, "recipe": recipe_of(name, technique)}
        expected |= dict(zip(FIGURES, figures))
        return expected | {"top1": expected["test_top1"]}

    def test_json(self):
        found = json.loads(self.report("--json"))
        self.assertEqual(found["front"], [self.expected_point(name) for name in FRONT])
        self.assertEqual(found["best"], self.expected_point("net float16"))
        self.assertEqual(found["reference_validation_top1"], 0.905)
        self.assertEqual(found["limits"], [{"metric": "file_bytes", "at_most": 30_000}, {"metric": "validation_top1", "at_least": 0.65}])
        self.assertEqual(set(found), {"front", "best", "reference_validation_top1", "limits"})
        self.assertIs(type(found["front"][0]["file_bytes"]), int)

    def test_json_without_a_model_inside_the_limits(self):
        self.set_limits({"max_latency_us": 30})
        found = json.loads(self.report("--json"))
        self.assertIsNone(found["best"])
        self.assertEqual(found["message"], "no model is inside the limits: the nearest, net full-integer, has latency of 40.1 us, limit 30.0")

    def test_csv(self):
        output = self.report("--csv", "points.csv")
        self.assertEqual(output, "points.csv: 4 models\n")
        self.assertFalse((self.root / "study/report.html").exists(), "what was not asked for is not written")
        text = (self.root / "points.csv").read_bytes().decode()
        self.assertEqual(text.count("\r\n"), 1 + len(POINTS))
        rows = list(csv.reader(text.splitlines()))
        self.assertEqual(rows[0], ["name", "technique", "format", "on_front", "inside_limits", *FIGURES, "file", "recipe"])
        inside = {"net original": "0", "net float16": "1", "net full-integer": "1"}
        for number, (row, (name, technique, *figures)) in enumerate(zip(rows[1:], POINTS), 1):
            self.assertEqual(row[:5], [name, technique, "tersor", str(int(name in FRONT)), inside.get(name, "0")])
            self.assertEqual([float(value) if value else None for value in row[5:12]], figures)
            self.assertEqual(row[12], f"models/file-{number}.tersor")
            self.assertEqual(json.loads(row[13]), recipe_of(name, technique))

    def test_page(self):
        output = self.report()
        self.assertEqual(output, "study/report.html: 4 models, 3 on the front\n")
        page = (self.root / "study/report.html").read_text()
        self.assertIn("<h1>4 models measured, 3 on the front</h1>", page)
        begin = page.index('id="data">') + len('id="data">')
        data = json.loads(page[begin:page.index("</script>", begin)])
        for point, (name, technique, *figures) in zip(data["points"], POINTS):
            self.assertEqual((point["name"], point["technique"], point["model"]), (name, technique, "net"))
            self.assertEqual(point["values"], {figure: value for figure, value in zip(FIGURES, figures) if value is not None})
            self.assertEqual((point["on_front"], point["best"]), (name in FRONT, name == "net float16"))
        self.assertEqual(data["reference"], data["points"][0]["values"])
        self.assertEqual(data["points"][0]["broken"], ["file of 40,001 bytes, limit 30,000"])
        for text in ("models/file-2.tersor", ">91.00</td>", ">87.25</td>", ">20,003</td>", ">120.5</td>", ">65,539</td>", ">1,234,571</td>",
                     ">30,013</td>", "no &lt;kernel&gt;", "begun, and not finished",
                     # the best model against the reference
                     "87.25\u00a0%", "validation 91.00\u00a0%, 0.50 above the reference", "20,003\u00a0B", "0.50 of the reference",
                     "120.5\u00a0µs", "1.50 of the reference", "reference: net original, test 88.75\u00a0%"):
            self.assertIn(text, page)

    def test_a_page_elsewhere_finds_the_models(self):
        (self.root / "pages").mkdir()
        self.report("--html", "pages/page.html")
        self.assertIn('href="../study/models/file-1.tersor"', (self.root / "pages/page.html").read_text())

    def test_no_study_is_one_error(self):
        result = run("report", "nothing", cwd=self.root)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertEqual(result.stderr, "tersor: no study in nothing: nothing/study.sqlite is not there\n")


if __name__ == "__main__":
    unittest.main()
