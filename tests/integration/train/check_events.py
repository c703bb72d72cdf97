"""Reads TensorBoard's event files with nothing but the standard library, and prints their scalars as JSON.

    python check_events.py FILE...

Record: u64 length, masked CRC-32C of it, data, masked CRC-32C of that. Every checksum is checked.
"""

import json
import struct
import sys

POLYNOMIAL = 0x82F63B78


def crc32c(data):
    """Bit by bit, as the definition has it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        head = data[at : at + 8]
        (length,) = struct.unpack("<Q", head)
        (head_crc,) = struct.unpack_from("<I", data, at + 8)
        body = data[at + 12 : at + 12 + length]
        (body_crc,) = struct.unpack_from("<I", data, at + 12 + length)
        assert head_crc == masked(head), "the length's checksum is wrong"
        assert len(body) == length and body_crc == masked(body), "the data's checksum is wrong"
        yield body
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """Number and value of every field of a serialised protobuf message."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        elif wire == 5:
            value, at = struct.unpack_from("<f", data, at)[0], at + 4
        else:
            assert wire == 2, f"wire type {wire}"
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        yield number, value


def main():
    files = []
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            events = [dict(fields(record)) for record in records(file.read())]
        scalars = []
        for event in events[1:]:
            values = [dict(fields(value)) for _, value in fields(event[5])]
            scalars.append(
                {
                    "wall": event[1],
                    "step": event[2],
                    "values": {value[1].decode(): value[2] for value in values},
                }
            )
        files.append({"version": events[0][3].decode(), "events": scalars})
    print(json.dumps(files))


main()
