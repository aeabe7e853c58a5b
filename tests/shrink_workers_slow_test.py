"""Two `tersor shrink` on one folder share the candidates; when one of them is killed, the other makes all that is left."""
import contextlib
import json
import pathlib
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

ROUNDS = 4


def rows(study, query):
    """What a query says of a study, read as any reader would; nothing where it has not begun."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{study}/study.sqlite?mode=ro", uri=True, timeout=30)) as database:
            return database.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []


class TwoWorkers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.root = pathlib.Path(cls.folder.name)
        data = cls.root / "data"
        data.mkdir()
        write_idx(data, count=512)
        model = cls.root / "model.tersor"
        trained = run("train", "--family", "survey-cnn", "--width", "0.1", "--data", data, "--epochs", "1", "--output", model)
        assert trained.returncode == 0, trained.stderr
        cls.command = [TERSOR, "shrink", str(model), "--data", str(data), "--quiet", "--json", "--out"]
        whole = subprocess.run([*cls.command, cls.root / "whole"], check=True, capture_output=True, text=True, timeout=600)
        cls.expected = rows(cls.root / "whole", "SELECT recipe, name, file FROM points WHERE state = 'complete' ORDER BY recipe")
        assert len(cls.expected) > 3 and json.loads(whole.stdout)["front"]

    def begin(self, study):
        process = subprocess.Popen([*self.command, study], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process

    def check_whole(self, study):
        """Every candidate is there once, with its file, and no other file is."""
        self.assertEqual(rows(study, "SELECT recipe, name, file FROM points WHERE state = 'complete' ORDER BY recipe"), self.expected)
        self.assertEqual(rows(study, "SELECT * FROM points WHERE state != 'complete' OR owner != ''"), [])
        self.assertEqual(sorted(file.name for file in (study / "models").iterdir()), sorted(file for _, _, file in self.expected))
        sizes = rows(study, "SELECT file, value FROM points, metric_values WHERE id = point AND metric = 'file_bytes'")
        self.assertEqual({file: size for file, size in sizes},
                         {file: (study / "models" / file).stat().st_size for _, _, file in self.expected})

    def test_both_return_the_whole_front(self):
        study = self.root / "both"
        workers = [self.begin(study), self.begin(study)]
        outputs = [worker.communicate(timeout=600) for worker in workers]
        self.assertEqual([worker.returncode for worker in workers], [0, 0], outputs)
        self.check_whole(study)
        self.assertEqual({attempt for attempt, in rows(study, "SELECT attempt FROM points")}, {1}, "each was made once")
        fronts = [json.loads(output)["front"] for output, _ in outputs]
        self.assertEqual(fronts[0], fronts[1])

    def test_the_other_goes_on_when_one_is_killed(self):
        taken_over = 0
        for i in range(ROUNDS):
            study = self.root / f"killed-{i}"
            victim, other = self.begin(study), self.begin(study)
            until = time.monotonic() + 120
            kept = set()
            # It is killed while it makes a point, in each round a later one.
            while time.monotonic() < until and victim.poll() is None:
                kept = {row for row in rows(study, "SELECT id, attempt, created_unix_s FROM points WHERE state = 'complete'")}
                held = rows(study, f"SELECT id FROM points WHERE state = 'running' AND owner LIKE '{victim.pid}@%'")
                if held and len(kept) >= i:
                    break
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            output, errors = other.communicate(timeout=600)
            self.assertEqual(other.returncode, 0, errors)
            self.check_whole(study)
            self.assertGreater(len(json.loads(output)["front"]), 0)
            after = {row for row in rows(study, "SELECT id, attempt, created_unix_s FROM points WHERE state = 'complete'")}
            self.assertLessEqual(kept, after, "a measured point is measured once")
            taken_over += any(attempt == 2 for _, attempt, _ in after)
            shutil.rmtree(study)
        self.assertGreater(taken_over, 0, "no kill met a point that was being made")


if __name__ == "__main__":
    unittest.main()
