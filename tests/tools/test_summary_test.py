"""tools/test_summary counts and names what ctest found."""
import json
import pathlib
import subprocess
import tempfile
import unittest

TOOL = pathlib.Path("tools/test_summary").resolve()


def summary(ctest, known=None, **gtest):
    """The tool's output and exit code for one ctest file, ctest's list (name -> labels) and GoogleTest files by program name."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if known is not None:
            tests = [{"name": name, "properties": [{"name": "LABELS", "value": labels}] if labels else []}
                     for name, labels in known.items()]
            (folder / "known.json").write_text(json.dumps({"tests": tests}))
        (folder / "ctest-fast.xml").write_text(f"<testsuite>{ctest}</testsuite>")
        for program, cases in gtest.items():
            (folder / f"{program}.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
        run = subprocess.run([TOOL, folder, "fast"], capture_output=True, text=True)
        return run.stdout, run.returncode


PASSED = '<testcase classname="Suite" name="Passes" status="run"/>'
FAILED = '<testcase classname="Suite" name="Fails" status="run"><failure message="1 != 2"/></testcase>'
SKIPPED = ('<testcase classname="Suite" name="Skips" status="run">'
           '<skipped message="/a/b_test.cc:12&#x0A;no models here"/></testcase>')


class TestSummary(unittest.TestCase):
    def last_line(self, output):
        return output.strip().splitlines()[-1]

    def test_counts_single_tests_of_a_program(self):
        output, code = summary('<testcase name="base_test" status="run"/>', base_test=PASSED + PASSED)
        self.assertEqual(self.last_line(output), "2 passed, 0 failed, 0 skipped")
        self.assertEqual(code, 0)

    def test_a_skipped_test_is_named_with_its_reason(self):
        output, code = summary('<testcase name="base_test" status="run"/>', base_test=PASSED + SKIPPED)
        self.assertIn("  no models here\n    base_test: Suite.Skips\n", output)
        self.assertEqual(self.last_line(output), "1 passed, 0 failed, 1 skipped")
        self.assertEqual(code, 0)

    def test_a_failed_test_is_named(self):
        output, code = summary('<testcase name="base_test" status="fail"/>', base_test=PASSED + FAILED)
        self.assertIn("failed:\n  base_test: Suite.Fails\n", output)
        self.assertEqual(self.last_line(output), "1 passed, 1 failed, 0 skipped")
        self.assertEqual(code, 1)

    def test_a_crash_counts_although_no_test_failed(self):
        output, code = summary('<testcase name="base_test" status="fail"/>', base_test=PASSED)
        self.assertEqual(self.last_line(output), "1 passed, 1 failed, 0 skipped")
        self.assertEqual(code, 1)

    def test_a_crash_before_the_report_counts(self):
        output, code = summary(
            '<testcase name="base_test" status="fail"><failure message="SEGFAULT"/></testcase>')
        self.assertIn("base_test: SEGFAULT", output)
        self.assertEqual(self.last_line(output), "0 passed, 1 failed, 0 skipped")
        self.assertEqual(code, 1)

    def test_python_tests_count_one_by_one(self):
        output, code = summary(
            '<testcase name="py_test" status="run"><system-out>test_a (m.T) ... ok\n'
            "test_b (m.T)\nWhat it shows. ... skipped 'no peers'\n\nRan 3 tests in 0.1s\n\nOK (skipped=1)"
            "</system-out></testcase>")
        self.assertIn("  no peers\n    py_test: test_b (m.T)\n", output)
        self.assertEqual(self.last_line(output), "2 passed, 0 failed, 1 skipped")
        self.assertEqual(code, 0)

    def test_a_test_without_a_label_is_a_failure(self):
        for labels in ([], ["quick"], ["fast", "slow"]):
            output, code = summary('<testcase name="a_test" status="run"/>', {"a_test": ["fast"], "b_test": labels},
                                   a_test=PASSED)
            self.assertIn(f"b_test: has the labels {labels}, expected one of device, fast, peer, slow", output)
            self.assertEqual(self.last_line(output), "1 passed, 1 failed, 0 skipped")
            self.assertEqual(code, 1)

    def test_a_test_that_was_to_run_and_did_not_is_a_failure(self):
        known = {"a_test": ["fast"], "b_test": ["fast"], "c_test": ["slow"]}
        output, code = summary('<testcase name="a_test" status="run"/>', known, a_test=PASSED)
        self.assertIn("b_test: did not run, although it is labelled fast", output)
        self.assertEqual(self.last_line(output), "1 passed, 1 failed, 0 skipped")
        self.assertEqual(code, 1)

    def test_all_known_tests_ran(self):
        output, code = summary('<testcase name="a_test" status="run"/>', {"a_test": ["fast"], "c_test": ["slow"]},
                               a_test=PASSED)
        self.assertEqual(self.last_line(output), "1 passed, 0 failed, 0 skipped")
        self.assertEqual(code, 0)

    def test_nothing_ran_is_a_failure(self):
        output, code = summary("")
        self.assertEqual(self.last_line(output), "0 passed, 0 failed, 0 skipped")
        self.assertEqual(code, 1)


if __name__ == "__main__":
    unittest.main()
