"""Prints a Python's version and abilities for the launcher. Runs on Python 2 as well, so that a too old Python is reported as such."""
import json
import sys

try:
    from importlib.util import find_spec

    makes_environments = find_spec("venv") is not None and find_spec("ensurepip") is not None
except ImportError:
    makes_environments = False

sys.stdout.write("meetup-probe " + json.dumps([list(sys.version_info[:3]), sys.executable, makes_environments]) + "\n")
