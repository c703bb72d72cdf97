"""The package keeps to its own style, where the checker is installed."""

import subprocess
import sys

import pytest
from support import PACKAGE_ROOT


@pytest.mark.parametrize("arguments", [["check"], ["format", "--check"]])
def test_ruff_has_nothing_to_say(arguments):
    pytest.importorskip("ruff", reason="ruff is not installed")
    command = [sys.executable, "-m", "ruff", *arguments, "."]
    done = subprocess.run(command, cwd=PACKAGE_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_module_is_longer_than_400_lines():
    for path in (PACKAGE_ROOT / "efference_sim").glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 400, path.name
