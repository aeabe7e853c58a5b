"""What the tests against LiteRT share: our program, and the models that are compared."""
import argparse
import os
import pathlib


def models_to_compare(description):
    """Reads the command line. The path of our program, and the model files; says why when there are none."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tersor", default=os.environ.get("TERSOR_BINARY", "build/dev/tersor"))
    parser.add_argument("--verbose", action="store_true", help="no effect: every model has its line")
    parser.add_argument("models", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    root = pathlib.Path(os.environ.get("TERSOR_TEST_DATA") or "../shared") / "models"
    models = arguments.models or sorted(root.rglob("*.tflite"))
    if not models:
        print(f"skipped: no models in {root}: set TERSOR_TEST_DATA")
    return arguments.tersor, models
