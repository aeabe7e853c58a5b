"""What the commands of this folder share: our program, and the pages under docs/results/ with what made them."""
import datetime
import json
import math
import os
import pathlib
import shlex
import subprocess
import sys
from importlib import metadata

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEST_DATA = pathlib.Path(os.environ.get("TERSOR_TEST_DATA", ROOT / "../shared"))
MODELS = TEST_DATA / "models"


def tersor(binary, *arguments):
    """The JSON object that our program prints; ends this program when it fails."""
    command = [str(binary), *map(str, arguments), "--json"]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"bench: {shlex.join(command)} ended with {run.returncode}: {run.stderr.strip()}")
    return json.loads(run.stdout)


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return os.uname().machine


def header(title, peers, remarks):
    """First lines of a page: title, machine, date, versions, command, and remarks."""
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    # The pages of results themselves are no part of what was measured.
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/results")
    commit = git("describe", "--always") + ("-dirty" if changed else "")
    versions = ", ".join([f"tersor {commit or 'without git'}", *(f"{peer} {metadata.version(peer)}" for peer in peers)])
    command = shlex.join([f"bench/{pathlib.Path(sys.argv[0]).name}", *sys.argv[1:]])
    return [f"# {title}", "",
            f"- machine: {cpu_name()}, {os.cpu_count()} logical CPUs, TERSOR_CPU={os.environ.get('TERSOR_CPU', 'not set')}",
            f"- date: {datetime.date.today()}", f"- versions: {versions}", f"- command: `{command}`",
            *(f"- {remark}" for remark in remarks), ""]


def write(lines, name, output):
    """Writes a page to `output`, or to docs/results/NAME.md."""
    output = output or ROOT / f"docs/results/{name}.md"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join(lines) + "\n")
    print(f"written to {output}")
