"""The project's own files, found without git: a copied tree has none."""
import pathlib

FOLDERS = ["tersor", "tests", "bench", "fuzz", "examples", "docs", "tools", "scripts", ".ci"]
SOURCES = {".h", ".cc", ".c", ".inc"}


def files(root="."):
    """All files of the project, as sorted paths relative to `root`."""
    root = pathlib.Path(root)
    found = [path for path in root.iterdir() if path.is_file()]
    for folder in FOLDERS:
        found += [path for path in (root / folder).rglob("*") if path.is_file()]
    return sorted(path.relative_to(root) for path in found
                  if path.suffix != ".pyc" and path.name not in {".git", ".ninja_log"})


def sources(root="."):
    """The C and C++ files."""
    return [path for path in files(root) if path.suffix in SOURCES]


def report(violations):
    """Prints the violations; the exit code that they call for."""
    code = 0
    for violation in violations:
        print(violation)
        code = 1
    return code
