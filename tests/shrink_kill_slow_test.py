"""`tersor shrink` that is killed at any of 20 moments, spread over its whole run, loses no measured point and no file, and goes on."""
import contextlib
import json
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cli_test import TERSOR, run, write_idx  # noqa: E402

KILLS = 20


def complete_points(study):
    """What each complete point of a study was measured to be, by its number; empty where the study has not begun."""
    if not (study / "study.sqlite").exists():
        return {}
    # A copy, so that looking at it repairs nothing.
    with tempfile.TemporaryDirectory() as folder:
        for file in study.glob("study.sqlite*"):
            shutil.copy(file, folder)
        with contextlib.closing(sqlite3.connect(pathlib.Path(folder) / "study.sqlite")) as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'points'").fetchall():
                return {}
            cursor = database.execute("SELECT * FROM points WHERE state = 'complete'")
            names = [column[0] for column in cursor.description]
            points = {row[0]: dict(zip(names, row)) for row in cursor}
            for number, metric, value in database.execute("SELECT point, metric, value FROM metric_values"):
                if number in points:
                    points[number][metric] = value
            return points


class KilledShrink(unittest.TestCase):
    def test_goes_on_from_every_moment(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            data = root / "data"
            data.mkdir()
            write_idx(data, count=1024)
            model = root / "model.tersor"
            trained = run("train", "--family", "survey-cnn", "--width", "0.1", "--data", data, "--epochs", "1", "--output", model)
            self.assertEqual(trained.returncode, 0, trained.stderr)
            command = [TERSOR, "shrink", model, "--data", data, "--quiet", "--json", "--out"]
            begin = time.monotonic()
            whole = subprocess.run([*command, root / "whole"], check=True, capture_output=True, text=True, timeout=600)
            duration = time.monotonic() - begin
            expected = len(complete_points(root / "whole"))
            self.assertGreater(expected, 3)

            draw = random.Random(1)
            between = 0
            for i in range(KILLS):
                study = root / f"study-{i}"
                process = subprocess.Popen([*command, study], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep((i + draw.random()) / KILLS * duration)
                process.send_signal(signal.SIGKILL)
                process.wait()
                kept = complete_points(study)
                between += 0 < len(kept) < expected
                for point in kept.values():
                    file = study / "models" / point["file"]
                    self.assertEqual(file.stat().st_size, point["file_bytes"], file)
                    self.assertEqual(run("inspect", file).returncode, 0, file)
                after = run(*command[1:], study)
                self.assertEqual(after.returncode, 0, after.stderr)
                finished = complete_points(study)
                self.assertEqual(len(finished), expected)
                for number, point in kept.items():
                    # The accuracy on the test split is measured at the end.
                    added = {field: value for field, value in finished[number].items() if field not in point}
                    self.assertLessEqual(set(added), {"test_top1"})
                    self.assertEqual(point | added, finished[number], "a measured point is measured once")
                front = json.loads(after.stdout)["front"]
                self.assertGreater(len(front), 0)
                self.assertEqual([], [file.name for file in study.rglob("*.tmp*")])
                shutil.rmtree(study)
            self.assertGreaterEqual(between, KILLS // 4, "kills met the run between two points")
            self.assertGreater(len(json.loads(whole.stdout)["front"]), 0)


if __name__ == "__main__":
    unittest.main()
