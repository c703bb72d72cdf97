"""Brings the package's copy of the schema up to date with ``sim-bridge/wire/efference.proto``.

    python -m pip install grpcio-tools
    python tools/regenerate_schema.py

Writes ``efference_sim/efference.proto`` (a copy, for the fingerprint) and ``efference_sim/efference.binpb``
(its serialized ``FileDescriptorSet``, from which the message classes are made at run time).
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "efference_sim"
WIRE = Path(__file__).resolve().parents[2] / "wire"


def compile_schema(source: Path, target: Path) -> None:
    """Compiles ``source`` into a serialized FileDescriptorSet at ``target``."""
    from grpc_tools import protoc

    arguments = ["protoc", f"--proto_path={source.parent}", f"--descriptor_set_out={target}"]
    code = protoc.main([*arguments, source.name])
    if code != 0:
        raise RuntimeError(f"Cannot compile {source}: protoc ended with code {code}, must be 0")


def main() -> int:
    shutil.copyfile(WIRE / "efference.proto", PACKAGE / "efference.proto")
    compile_schema(PACKAGE / "efference.proto", PACKAGE / "efference.binpb")
    print(f"wrote {PACKAGE / 'efference.proto'} and {PACKAGE / 'efference.binpb'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
