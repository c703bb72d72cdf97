"""The committed schema files agree with the one source of truth."""

import re

import pytest
from support import REPOSITORY

from efference_sim import wire

SOURCE = REPOSITORY / "sim-bridge" / "wire" / "efference.proto"


def test_the_package_carries_the_schema_unchanged():
    assert wire.PROTO_PATH.read_bytes() == SOURCE.read_bytes()


def test_the_descriptor_set_has_every_field_of_the_schema():
    text = re.sub(r"//[^\n]*", "", SOURCE.read_text(encoding="utf-8"))
    declared = {}
    scopes = []
    for line in text.splitlines():
        opened = re.match(r"\s*(message|enum|oneof) (\w+) \{", line)
        if opened:
            scopes.append(opened.groups())
            if opened[1] == "message":
                declared.setdefault(opened[2], {})
            if line.rstrip().endswith("}"):
                scopes.pop()
        elif line.strip() == "}":
            scopes.pop()
        else:
            field = re.match(r"\s*(?:optional |repeated )?[\w<>, .]+ (\w+) = (\d+);", line)
            if field and scopes[-1][0] != "enum":
                owner = [name for kind, name in scopes if kind == "message"][-1]
                declared[owner][field[1]] = int(field[2])
    assert len(declared) > 20
    for name, fields in declared.items():
        owner = "TimeStep.Kind" if name == "Kind" else name
        descriptor = wire.POOL.FindMessageTypeByName(f"efference.v1.{owner}")
        assert {field.name: field.number for field in descriptor.fields} == fields, name


def test_the_descriptor_set_is_what_the_compiler_makes_of_the_schema(tmp_path):
    protoc = pytest.importorskip("grpc_tools.protoc", reason="grpcio-tools is not installed")
    target = tmp_path / "fresh.binpb"
    code = protoc.main(["protoc", f"--proto_path={SOURCE.parent}", f"--descriptor_set_out={target}", SOURCE.name])
    assert code == 0
    assert target.read_bytes() == wire.DESCRIPTOR_PATH.read_bytes()


def test_the_fingerprint_ignores_comments_and_white_space_only():
    one = wire.fingerprint("message A { // a comment\n\n  uint32 x = 1;\t}\n")
    assert one == wire.fingerprint("message A { uint32 x = 1; }")
    assert one != wire.fingerprint("message A { uint32 x = 2; }")
    assert re.fullmatch("[0-9a-f]{16}", one)
