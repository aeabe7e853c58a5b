"""The report's page as a browser sees it: the plot draws, hovers and filters, the table sorts, and the console is silent."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from browser import CHROMIUM, Browser  # noqa: E402
from cli_test import run, write_idx  # noqa: E402

PAGE_FILES = pathlib.Path(__file__).resolve().parent.parent / "tersor/guide/report_page"


def make_report(root):
    """The report of two models and their candidates, with limits that some of them break."""
    data = root / "data"
    data.mkdir()
    write_idx(data, count=256)
    models = []
    for name, width in (("narrow", "0.05"), ("wide", "0.15")):
        models.append(root / f"{name}.tersor")
        trained = run("train", "--family", "survey-cnn", "--width", width, "--data", data, "--epochs", "1", "--output", models[-1])
        assert trained.returncode == 0, trained.stderr
    shrunk = run("shrink", *models, "--data", data, "--out", root / "study", "--max-bytes", "60KB", "--min-accuracy", "1")
    assert shrunk.returncode == 0, shrunk.stderr
    return root / "study/report.html"


def setUpModule():
    global page
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    page = make_report(pathlib.Path(folder.name))


class Report(unittest.TestCase):
    def test_html_is_valid(self):
        if not shutil.which("tidy"):
            self.skipTest("tidy is not installed: scripts/setup view")
        result = subprocess.run(["tidy", "-quiet", "-errors", "-utf8", "--drop-empty-elements", "no", page], capture_output=True,
                                text=True)
        self.assertEqual((result.returncode, result.stderr), (0, ""))


@unittest.skipUnless(CHROMIUM, "chromium is not installed: scripts/setup view")
class ReportInABrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(Browser())

    def setUp(self):
        self.browser.emulate()
        self.browser.open(page)
        self.data = self.browser.evaluate("JSON.parse(document.getElementById('data').textContent)")
        self.points = {point["id"]: point for point in self.data["points"]}

    def tearDown(self):
        self.assertEqual(self.browser.errors, [], "the console is silent")
        self.assertEqual(set(self.browser.requests), {page.as_uri()}, "the page asks for nothing but itself")

    def drawn(self):
        """Where each point is drawn: {id: (x, y)}."""
        marks = self.browser.evaluate("""[...document.querySelectorAll('#plot .point')].map(
            mark => [+mark.dataset.point, mark.getAttribute('transform')])""")
        return {number: tuple(map(float, re.findall(r"[\d.]+", transform))) for number, transform in marks}

    def rows(self, script="row.id"):
        """Of the visible rows, in their order."""
        return self.browser.evaluate(f"[...document.querySelectorAll('#points tbody tr')].filter(row => !row.hidden).map(row => {script})")

    def check_places(self, x_metric, y_metric):
        """Points stand where their figures say: more to the right and further up."""
        places = self.drawn()
        self.assertEqual(set(places), set(self.points))
        for metric, axis, direction in ((x_metric, 0, 1), (y_metric, 1, -1)):
            for a in places:
                for b in places:
                    first, second = (self.points[number]["values"][metric] for number in (a, b))
                    if first < second:
                        self.assertLess(direction * places[a][axis], direction * places[b][axis], f"{metric} of {a} and {b}")

    def test_the_plot_draws_every_point_at_its_place(self):
        self.assertEqual(len(self.points), 14)
        self.check_places("file_bytes", "validation_top1")
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('#plot .ring').length"), 1, "one is the best")
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('#plot path.front').length"), 1)
        self.assertIn("over 60 KB", self.browser.evaluate("document.querySelector('#plot').textContent"))

    def test_every_pair_of_metrics_can_be_the_axes(self):
        names = [metric["name"] for metric in self.data["metrics"]]
        self.assertEqual(len(names), 7)
        self.browser.choose("#x-axis", "latency_us")
        self.browser.choose("#y-axis", "arena_bytes")
        self.check_places("latency_us", "arena_bytes")
        for x in names:
            for y in names:
                self.browser.choose("#x-axis", x)
                self.browser.choose("#y-axis", y)
                expected = {number for number, point in self.points.items() if x in point["values"] and y in point["values"]}
                self.assertEqual(set(self.drawn()), expected, f"{y} over {x}")
                self.assertNotIn("NaN", self.browser.evaluate("document.querySelector('#plot svg').outerHTML"), f"{y} over {x}")

    def test_a_point_tells_its_figures(self):
        # The best point is drawn last, so nothing covers it.
        point = next(point for point in self.points.values() if point["best"])
        selector = f"[data-point='{point['id']}']"
        visible = "getComputedStyle(document.getElementById('tip')).visibility"
        self.assertEqual(self.browser.evaluate(visible), "hidden")
        self.browser.hover(selector)
        self.assertEqual(self.browser.evaluate(visible), "visible")
        text = self.browser.evaluate("document.getElementById('tip').textContent")
        self.assertIn(point["name"], text)
        self.assertIn(f"{point['values']['file_bytes']:,} bytes", text)
        self.assertIn(f"{100 * point['values']['validation_top1']:.2f} %", text)
        self.assertIn(f"{point['values']['latency_us']:.1f} µs", text)
        hot = "[...document.querySelectorAll('tr.hot')].map(row => row.id)"
        self.assertEqual(self.browser.evaluate(hot), [f"point-{point['id']}"], "its row is marked")
        self.browser.hover("h1")
        self.assertEqual(self.browser.evaluate(visible), "hidden")
        self.assertEqual(self.browser.evaluate(hot), [])
        self.browser.evaluate(f"document.querySelector(\"{selector}\").focus()")
        self.assertEqual(self.browser.evaluate(visible), "visible", "the keyboard reaches it as well")
        self.browser.press("Escape")
        self.assertEqual(self.browser.evaluate(visible), "hidden")

    def test_filters_hide_points_and_rows(self):
        everything = {f"point-{number}" for number in self.points}
        for key, value in (("technique", "full-integer"), ("model", "wide")):
            chosen = {number for number, point in self.points.items() if point[key] == value}
            self.assertTrue(0 < len(chosen) < len(self.points))
            button = f"#legend button[data-{key}='{value}']"
            self.browser.click(button)
            self.assertEqual(self.browser.evaluate(f"document.querySelector(\"{button}\").getAttribute('aria-pressed')"), "false")
            self.assertEqual(set(self.drawn()), set(self.points) - chosen)
            self.assertEqual(set(self.rows()), everything - {f"point-{number}" for number in chosen})
            self.browser.click(button)
            self.assertEqual(set(self.rows()), everything)
        self.browser.click("#front-only")
        front = {number for number, point in self.points.items() if point["on_front"]}
        self.assertEqual(set(self.drawn()), front)
        self.assertEqual(set(self.rows()), {f"point-{number}" for number in front})

    def test_the_table_sorts_by_each_column(self):
        names = [metric["name"] for metric in self.data["metrics"]]
        for column, name in enumerate(names, 2):
            head = f"#points th:nth-child({column})"
            for direction in ("ascending", "descending"):
                self.browser.click(f"{head} button")
                self.assertEqual(self.browser.evaluate(f"document.querySelector('{head}').getAttribute('aria-sort')"), direction)
                found = [self.points[int(row.removeprefix("point-"))]["values"].get(name) for row in self.rows()]
                known = [value for value in found if value is not None]
                self.assertEqual(known, sorted(known, reverse=direction == "descending"), name)
                self.assertEqual(found, known + [None] * (len(found) - len(known)), "what was not measured comes last")
        self.browser.click("#points th:first-child button")
        texts = self.rows("row.cells[0].textContent")
        self.assertEqual(texts, sorted(texts))

    def test_the_table_says_what_the_data_says(self):
        for metric in self.data["metrics"]:
            column = 1 + self.data["metrics"].index(metric)
            for row, value in zip(self.rows(), self.rows(f"row.cells[{column}].dataset.value")):
                expected = self.points[int(row.removeprefix("point-"))]["values"].get(metric["name"])
                self.assertEqual(None if value == "" else float(value), None if expected is None else round(expected, 6), metric["name"])
        outside = sum(len(point["broken"]) > 0 for point in self.points.values())
        self.assertGreater(outside, 0)
        self.assertEqual(len(self.browser.evaluate("[...document.querySelectorAll('td.outside')].map(cell => cell.title)")), outside)

    def test_dark_and_printed(self):
        background = "getComputedStyle(document.body).backgroundColor"
        self.browser.emulate(prefers_color_scheme="light")
        light = self.browser.evaluate(background)
        self.browser.emulate(prefers_color_scheme="dark")
        self.assertNotEqual(self.browser.evaluate(background), light)
        self.browser.emulate(media="print", prefers_color_scheme="dark")
        self.assertEqual(self.browser.evaluate(background), "rgb(255, 255, 255)")
        self.assertEqual(self.browser.evaluate("getComputedStyle(document.querySelector('.controls')).display"), "none")

    def test_every_style_is_one_that_the_browser_knows(self):
        style = re.sub(r"/\*.*?\*/", "", (PAGE_FILES / "report.css").read_text(), flags=re.S)
        declarations = re.findall(r"(?<=[{;\s])([a-z-]+)\s*:\s*([^;{}]+)(?=[;}])", style)
        declarations = [(name, value.strip()) for name, value in declarations if not name.startswith("--")]
        self.assertGreater(len(declarations), 100)
        unknown = self.browser.evaluate(f"{json.dumps(declarations)}.filter(([name, value]) => !CSS.supports(name, value))")
        self.assertEqual(unknown, [])
        variables = set(re.findall(r"var\((--[\w-]+)\)", style)) - set(re.findall(r"(--[\w-]+)\s*:", style))
        self.assertEqual(variables, set(), "every variable is defined")


if __name__ == "__main__":
    unittest.main()
