"""The command line: ``python -m efference_sim --help``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import re
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any, Callable

from . import __version__
from .environment import Environment
from .gymnasium_adapter import GymnasiumOptions, make_environment
from .libero import command as libero_command
from .link import CurveKeys, Ended, LinkOptions
from .loading import LoadError, attribute_of, import_target
from .peer import serve
from .spaces import UnsupportedSpaceError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_REFUSED = 4
EXIT_CODES = {
    "closed": 0,
    "finished": 0,
    "failed": EXIT_FAILED,
    "unreachable": EXIT_UNREACHABLE,
    "refused": EXIT_REFUSED,
}

EXAMPLES = """\
examples:
  python -m efference_sim gymnasium CartPole-v1 --connect tcp://127.0.0.1:5555
  python -m efference_sim gymnasium Pendulum-v1 --connect tcp://127.0.0.1:5555 --render --image-size 128
  python -m efference_sim gymnasium crafter:Env --connect tcp://127.0.0.1:5555 --kwargs '{"size": [128, 128]}'
  python -m efference_sim gymnasium ./my_env.py:MyEnv --connect tcp://127.0.0.1:5555
  python -m efference_sim serve ./my_simulator.py:MySimulator --connect tcp://127.0.0.1:5555
  python -m efference_sim libero --suite object --connect tcp://127.0.0.1:5555
  python -m efference_sim gymnasium CartPole-v1 --print-spec

exit codes:
  0 the runtime said Close, or --episodes were served     1 an error inside this program
  2 the environment cannot be made, or wrong arguments    3 no runtime for --retry-s seconds
  4 the runtime refused this peer                         130, 143 interrupted, terminated
"""


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"it is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"it is a JSON {type(value).__name__}, must be an object")
    return value


def _size(text: str) -> tuple[int, int]:
    """``128`` or ``HEIGHTxWIDTH``."""
    try:
        numbers = [int(part) for part in text.lower().split("x")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or not all(1 <= number <= 8192 for number in numbers):
        raise argparse.ArgumentTypeError(f"it is {text!r}, must be 128 or HEIGHTxWIDTH")
    return numbers[0], numbers[-1]


def _endpoint(text: str) -> str:
    if re.fullmatch(r"tcp://(\[[0-9a-fA-F:.%\w]+\]|[^:/\[\]]+):\d{1,5}|ipc://.+", text) is None:
        raise argparse.ArgumentTypeError(f"it is {text!r}, must be tcp://HOST:PORT or ipc://PATH")
    return text


def _positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"it is {text!r}, must be a positive number")
        return value

    return parse


def _common(parser: argparse.ArgumentParser) -> None:
    connection = parser.add_argument_group("connection")
    connection.add_argument(
        "--connect", type=_endpoint, metavar="ENDPOINT", help="the runtime, e.g. tcp://127.0.0.1:5555"
    )
    connection.add_argument(
        "--retry-s",
        type=_positive(float),
        default=30.0,
        metavar="S",
        help="give up after so many seconds without a runtime (default 30)",
    )
    connection.add_argument("--heartbeat-s", type=_positive(float), default=1.0, metavar="S", help="default 1")
    connection.add_argument(
        "--hang-grace-s",
        type=_positive(float),
        default=30.0,
        metavar="S",
        help="a simulator still busy so long after the end is left behind (default 30)",
    )
    connection.add_argument(
        "--server-key",
        metavar="KEY",
        help="CURVE: the runtime's public key, 40 characters, or a file with it",
    )
    connection.add_argument(
        "--keys",
        metavar="FILE",
        type=Path,
        help="CURVE: this peer's keys, a JSON file {publicKey, secretKey}; default: fresh ones",
    )
    parser.add_argument("--episodes", type=_positive(int), metavar="N", help="leave after N finished episodes")
    parser.add_argument("--print-spec", action="store_true", help="print spec and tasks as JSON, then leave")


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="efference-sim",
        description="Connects a Python simulator to the Efference runtime.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"efference-sim {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    style = argparse.RawDescriptionHelpFormatter
    gym = commands.add_parser(
        "gymnasium",
        help="a Gymnasium environment, or an old gym one",
        epilog=EXAMPLES,
        formatter_class=style,
    )
    gym.add_argument(
        "env_id",
        metavar="ENV_ID",
        help="CartPole-v1, MODULE:ENV_ID, MODULE:ClassName, FILE.py:ClassName",
    )
    gym.add_argument("--kwargs", type=_json_object, default={}, metavar="JSON", help="constructor keywords")
    gym.add_argument("--render", action="store_true", help="add a camera that shows render()")
    gym.add_argument(
        "--camera",
        default=None,
        metavar="NAME",
        help="that camera's name (default render); implies --render",
    )
    gym.add_argument("--image-size", type=_size, metavar="N|HxW", help="size of that camera's images")
    gym.add_argument(
        "--max-steps",
        type=_positive(int),
        metavar="N",
        help="default: the environment's own limit, else 10000",
    )
    gym.add_argument(
        "--control-freq",
        type=_positive(float),
        metavar="HZ",
        help="default: render_fps of its metadata, else 20",
    )
    _common(gym)
    own = commands.add_parser(
        "serve",
        help="a class of yours that implements efference_sim.Environment",
        epilog=EXAMPLES,
        formatter_class=style,
    )
    own.add_argument("target", metavar="MODULE:CLASS", help="my_simulator:MySimulator or FILE.py:MySimulator")
    own.add_argument("--kwargs", type=_json_object, default={}, metavar="JSON", help="constructor keywords")
    _common(own)
    libero = libero_command.add_parser(commands, epilog=EXAMPLES, formatter_class=style)
    libero.add_argument("--image-size", type=_size, metavar="N", help="side of the images (default 128)")
    _common(libero)
    return parser


def _read_keys(server_key: str | None, keys_file: Path | None) -> CurveKeys | None:
    if server_key is None:
        if keys_file is not None:
            raise LoadError("Cannot use --keys: --server-key is missing, must be the runtime's public key")
        return None
    if os.path.isfile(server_key):
        server_key = Path(server_key).read_text(encoding="utf-8").strip()
    if len(server_key) != 40:
        raise LoadError(f"Cannot use --server-key: it has {len(server_key)} characters, must have 40 (Z85)")
    if keys_file is None:
        return CurveKeys.ephemeral(server_key)
    try:
        pair = json.loads(keys_file.read_text(encoding="utf-8"))
        return CurveKeys(server_key, str(pair["publicKey"]), str(pair["secretKey"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LoadError(f"Cannot read --keys {keys_file}: {type(error).__name__}: {error}") from None


def _make(arguments: argparse.Namespace) -> Environment:
    if arguments.command == "gymnasium":
        camera = arguments.camera or ("render" if arguments.render or arguments.image_size else None)
        return make_environment(
            GymnasiumOptions(
                target=arguments.env_id,
                kwargs=arguments.kwargs,
                camera=camera,
                image_size=arguments.image_size,
                max_steps=arguments.max_steps,
                control_freq_hz=arguments.control_freq,
            )
        )
    if arguments.command == "libero":
        return libero_command.make(arguments)
    module_name, _, name = arguments.target.rpartition(":")
    if module_name == "":
        raise LoadError(f'Cannot serve "{arguments.target}": it must be MODULE:CLASS or FILE.py:CLASS')
    factory = attribute_of(import_target(module_name), name)
    if not callable(factory):
        raise LoadError(f'Cannot serve "{arguments.target}": {module_name} defines no class "{name}"')
    try:
        made = factory(**arguments.kwargs)
    except Exception as error:
        raise LoadError(f'Cannot make "{arguments.target}": {type(error).__name__}: {error}') from error
    if not isinstance(made, Environment):
        raise LoadError(f'Cannot serve "{arguments.target}": it is no efference_sim.Environment')
    return made


def _leaving_even_if_hung(grace_s: float) -> Callable[[Ended], None]:
    """A simulator that hangs must not outlive its runtime: nobody would ever end this process."""

    def start_timer(ended: Ended) -> None:
        timer = threading.Timer(grace_s, os._exit, (EXIT_CODES[ended.why],))
        timer.daemon = True
        timer.start()

    return start_timer


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _plain(value: Any) -> Any:
    """Infinities as text, since JSON has none."""
    if isinstance(value, float) and not math.isfinite(value):
        return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _print_spec(environment: Environment) -> None:
    printed = {
        "identity": dataclasses.asdict(environment.identity),
        "spec": dataclasses.asdict(environment.spec),
        "tasks": [dataclasses.asdict(task) for task in environment.tasks],
    }
    print(json.dumps(_plain(printed), indent=2, allow_nan=False))


def _run(arguments: argparse.Namespace) -> int:
    if arguments.connect is None and not arguments.print_spec:
        raise LoadError("Cannot start: --connect is missing, must be an endpoint such as tcp://127.0.0.1:5555")
    keys = _read_keys(arguments.server_key, arguments.keys)
    environment = _make(arguments)
    try:
        if arguments.print_spec:
            _print_spec(environment)
            return 0
        options = LinkOptions(
            endpoint=arguments.connect,
            retry_s=arguments.retry_s,
            heartbeat_s=arguments.heartbeat_s,
            keys=keys,
        )
        result = serve(
            environment,
            options,
            max_episodes=arguments.episodes,
            on_ended=_leaving_even_if_hung(arguments.hang_grace_s),
        )
    finally:
        environment.close()
    print(f"efference-sim: {result.why}: {result.reason}", file=sys.stderr)
    return EXIT_CODES[result.why]


def main(argv: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    arguments = build_parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return _run(arguments)
    except (LoadError, UnsupportedSpaceError) as error:
        print(f"efference-sim: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
