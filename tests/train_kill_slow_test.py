"""Training that is killed in the middle of an epoch goes on to the same weights, to the bit."""
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cli_test import TERSOR, write_idx  # noqa: E402

KILLS = 5


class KilledTraining(unittest.TestCase):
    def test_resumes_to_the_same_bits(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            data = root / "data"
            data.mkdir()
            write_idx(data, count=2048)
            command = [TERSOR, "train", "--family", "survey-cnn", "--width", "0.1", "--data", str(data), "--epochs", "3", "--batch",
                       "32", "--learning-rate", "0.02", "--shift", "1", "--threads", "2", "--quiet"]
            whole = root / "whole.tersor"
            begin = time.monotonic()
            subprocess.run([*command, "--output", whole], check=True, stdout=subprocess.DEVNULL, timeout=600)
            duration = time.monotonic() - begin

            broken, checkpoint = root / "broken.tersor", root / "state.tersor"
            command += ["--output", broken, "--checkpoint", checkpoint, "--checkpoint-steps", "7", "--resume"]
            draw = random.Random(1)
            kills = 0
            while kills < KILLS:
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
                try:
                    process.wait(timeout=draw.uniform(0.15, 0.6) * duration)
                    break  # it was faster than the kill
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    kills += 1
            self.assertGreater(kills, 0)
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=600)
            self.assertEqual(whole.read_bytes(), broken.read_bytes())
            leftovers = [name for name in os.listdir(root) if ".tmp" in name]
            self.assertEqual(leftovers, [], "what a killed run left is removed by the next")

    def test_ctrl_c_keeps_the_state_and_says_how_to_go_on(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            data = root / "data"
            data.mkdir()
            write_idx(data, count=2048)
            command = [TERSOR, "train", "--family", "survey-cnn", "--width", "0.1", "--data", str(data), "--epochs", "3", "--batch",
                       "32", "--learning-rate", "0.02", "--threads", "2", "--quiet"]
            whole, broken = root / "whole.tersor", root / "broken.tersor"
            checkpoint = root / "broken.tersor.checkpoint"
            begin = time.monotonic()
            subprocess.run([*command, "--output", whole], check=True, stdout=subprocess.DEVNULL, timeout=600)
            duration = time.monotonic() - begin
            self.assertFalse((root / "whole.tersor.checkpoint").exists(), "it has done its work")
            for attempt in range(20):
                process = subprocess.Popen([*command, "--output", broken], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                time.sleep(duration * (0.3 + 0.02 * attempt))
                process.send_signal(signal.SIGINT)
                errors = process.communicate(timeout=600)[1]
                if process.returncode == 1:
                    break  # else the signal came before the program listened, or after its end
            self.assertEqual(process.returncode, 1, errors)
            self.assertRegex(errors, r"^tersor: stopped after step \d+ of 171; the state is kept in \S+broken.tersor.checkpoint: "
                                     r"the same command with --resume goes on from there\n$")
            self.assertTrue(checkpoint.exists())
            self.assertFalse(broken.exists())
            subprocess.run([*command, "--output", broken, "--resume"], check=True, stdout=subprocess.DEVNULL, timeout=600)
            self.assertEqual(whole.read_bytes(), broken.read_bytes())
            self.assertFalse(checkpoint.exists())


if __name__ == "__main__":
    unittest.main()
