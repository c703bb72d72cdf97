"""The command line, as processes."""

import json
import shlex
import signal
import sys

import pytest
from support import DEADLINE_S, PACKAGE_ROOT, Runtime, spawn

from efference_sim import messages as m
from efference_sim.__main__ import build_parser
from efference_sim.environment import ResetRequest
from efference_sim.libero import export


def finished(process):
    out, err = process.communicate(timeout=DEADLINE_S)
    return process.returncode, out, err


def test_help_shows_examples_and_exit_codes():
    code, out, _ = finished(spawn("--help"))
    assert code == 0
    assert "gymnasium CartPole-v1 --connect tcp://" in out
    assert "exit codes" in out


def test_the_spec_can_be_printed_without_a_runtime():
    pytest.importorskip("gymnasium")
    code, out, err = finished(spawn("gymnasium", "CartPole-v1", "--print-spec"))
    assert code == 0, err
    printed = json.loads(out)
    assert printed["spec"]["action"][0]["categories"] == [2]
    assert printed["spec"]["proprio"][0]["low"][1] == "-Infinity"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gymnasium", "NoSuch-v0", "--connect", "tcp://127.0.0.1:9"], "NoSuch"),
        (["gymnasium", "CartPole-v1"], "--connect is missing"),
        (["gymnasium", "CartPole-v1", "--kwargs", "[1]"], "must be an object"),
        (["gymnasium", "CartPole-v1", "--image-size", "0"], "must be 128 or HEIGHTxWIDTH"),
        (["serve", "examples/my_simulator.py:Nothing", "--connect", "tcp://127.0.0.1:9"], "defines no class"),
        (["serve", "examples/my_simulator.py:State", "--connect", "tcp://127.0.0.1:9"], "no efference_sim.Environment"),
        (["gymnasium", "CartPole-v1", "--connect", "tcp://127.0.0.1:9", "--server-key", "short"], "must have 40"),
        (["gymnasium", "CartPole-v1", "--connect", "nowhere"], "must be tcp://HOST:PORT"),
    ],
)
def test_wrong_use_ends_with_2_and_one_line_that_says_why(arguments, words):
    code, _, err = finished(spawn(*arguments))
    assert code == 2
    assert words in err
    assert "Traceback" not in err


def test_without_a_runtime_it_ends_with_3():
    code, _, err = finished(
        spawn("serve", "examples/my_simulator.py:MySimulator", "--connect", "tcp://127.0.0.1:9", "--retry-s", "0.3")
    )
    assert (code, "no runtime answered" in err) == (3, True)


def test_a_refused_peer_ends_with_4_and_a_closed_one_with_0():
    for message, expected in ((m.Error("spec_mismatch", "no", fatal=True), 4), (m.Close("bye"), 0)):
        with Runtime() as runtime:
            process = spawn("serve", "examples/my_simulator.py:MySimulator", "--connect", runtime.endpoint)
            runtime.greet()
            runtime.send(message)
            assert finished(process)[0] == expected


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_says_goodbye_first(number, expected):
    with Runtime() as runtime:
        process = spawn("serve", "examples/my_simulator.py:MySimulator", "--connect", runtime.endpoint)
        runtime.greet()
        process.send_signal(number)
        assert isinstance(runtime.take().message, m.Close)
        code, _, err = finished(process)
        assert code == expected
        assert "Traceback" not in err


HANGING = """
import time
from efference_sim import ComponentSpec, Environment, EnvironmentIdentity, EnvironmentSpec, State, TaskInfo

class Hanging(Environment):
    spec = EnvironmentSpec(action=(ComponentSpec("a", "raw", "float32", (1,)),))
    tasks = (TaskInfo("t"),)
    identity = EnvironmentIdentity("hanging")

    def reset(self, request):
        time.sleep(600)
        return State()

    def step(self, action):
        return State()
"""


def test_a_simulator_that_hangs_does_not_outlive_its_runtime(tmp_path):
    (tmp_path / "hanging.py").write_text(HANGING)
    with Runtime() as runtime:
        target = f"{tmp_path / 'hanging.py'}:Hanging"
        process = spawn("serve", target, "--connect", runtime.endpoint, "--hang-grace-s", "0.2")
        runtime.greet()
        runtime.send(m.Reset(ResetRequest("t", 0)))
        runtime.send(m.Close("it took too long"))
        assert finished(process)[0] == 0


def test_the_example_of_the_readme_is_the_file_and_drives():
    text = (PACKAGE_ROOT / "README.md").read_text(encoding="utf-8")
    example = (PACKAGE_ROOT / "examples" / "my_simulator.py").read_text(encoding="utf-8")
    assert example[example.index("import numpy") :].strip() in text
    with Runtime() as runtime:
        process = spawn("serve", "examples/my_simulator.py:MySimulator", "--connect", runtime.endpoint)
        hello = runtime.greet()
        assert hello.name == "cart"
        first = runtime.reset("reach_right", seed=3).first
        assert -1 <= first.observation.proprio["cart"][0] <= 0
        last = runtime.step([[1.0]] * 30).steps[-1]
        assert (last.kind, last.success, last.terminated) == ("last", True, True)
        assert last.observation.images["side"].shape == (32, 64, 3)
        runtime.send(m.Close())
        assert finished(process)[0] == 0


def test_every_option_of_the_readme_exists():
    text = (PACKAGE_ROOT / "README.md").read_text(encoding="utf-8")
    parsers = {"efference_sim": build_parser(), "efference_sim.libero.export": export.build_parser()}
    commands = [shlex.split(line) for line in text.splitlines() if line.startswith("python -m efference_sim")]
    assert {module for _, _, module, *_ in commands} == set(parsers)
    assert len(commands) >= 6
    for _, _, module, *arguments in commands:
        parsers[module].parse_args(arguments)
