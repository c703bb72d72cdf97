"""Reads an episode with the official MCAP library and prints what it found as JSON.

Exits with an error if a CRC, an index, the statistics, a message or a frame is wrong.
"""

import base64
import json
import struct
import sys
import zlib
from collections import Counter

from google.protobuf.json_format import MessageToDict
from mcap.reader import NonSeekingReader, SeekingReader
from mcap.records import Chunk, ChunkIndex, MessageIndex
from mcap.stream_reader import StreamReader, breakup_chunk
from mcap_protobuf.decoder import DecoderFactory

FOOTER_LENGTH = 9 + 20 + 8


def check_summary_crc(data: bytes) -> None:
    """The library reads the summary's CRC but does not compare it."""
    footer = data[-FOOTER_LENGTH:-8]
    summary_start, _, crc = struct.unpack("<QQI", footer[9:])
    assert crc != 0 and zlib.crc32(data[summary_start:-12]) == crc, "summary CRC"


def check_chunk_indexes(data: bytes, indexes: list[ChunkIndex]) -> None:
    """Every index leads to its chunk, and every message index to its messages."""
    for index in indexes:
        end = index.chunk_start_offset + index.chunk_length
        record = data[index.chunk_start_offset : end]
        chunk = next(iter(StreamReader(_Bytes(record), skip_magic=True, emit_chunks=True, validate_crcs=True).records))
        assert isinstance(chunk, Chunk)
        assert (chunk.message_start_time, chunk.message_end_time) == (index.message_start_time, index.message_end_time)
        assert chunk.compression == index.compression
        assert chunk.uncompressed_size == index.uncompressed_size
        expected = Counter()
        for inner in breakup_chunk(chunk, validate_crc=True):
            expected[(inner.channel_id, inner.log_time)] += 1
        found = Counter()
        for channel_id, offset in index.message_index_offsets.items():
            assert end <= offset < end + index.message_index_length
            stream = StreamReader(_Bytes(data[offset : end + index.message_index_length]), skip_magic=True)
            message_index = next(iter(stream.records))
            assert isinstance(message_index, MessageIndex) and message_index.channel_id == channel_id
            for log_time, _ in message_index.records:
                found[(channel_id, log_time)] += 1
        assert found == expected, "message indexes"


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def read(self, count: int = -1) -> bytes:
        end = len(self._data) if count < 0 else self._at + count
        taken = self._data[self._at : end]
        self._at += len(taken)
        return taken


def main(path: str) -> None:
    with open(path, "rb") as file:
        data = file.read()
    check_summary_crc(data)
    with open(path, "rb") as file:
        summary = SeekingReader(file, validate_crcs=True).get_summary()
    assert summary is not None
    check_chunk_indexes(data, summary.chunk_indexes)

    counts, frames, parents, used_frames, messages = Counter(), set(), set(), set(), {}
    times: dict[str, list[int]] = {}
    with open(path, "rb") as file:
        reader = NonSeekingReader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        for schema, channel, message, decoded in reader.iter_decoded_messages(log_time_order=False):
            counts[message.channel_id] += 1
            times.setdefault(channel.topic, []).append(message.log_time)
            assert message.sequence == counts[message.channel_id] - 1, "sequence has a gap"
            as_dict = MessageToDict(decoded, preserving_proto_field_name=True)
            messages.setdefault(channel.topic, []).append(as_dict)
            if schema.name == "foxglove.FrameTransforms":
                frames.update(t.child_frame_id for t in decoded.transforms)
                parents.update(t.parent_frame_id for t in decoded.transforms)
            elif schema.name == "foxglove.SceneUpdate":
                used_frames.update(e.frame_id for e in decoded.entities)
            elif hasattr(decoded, "frame_id"):
                used_frames.add(decoded.frame_id)
    for topic, topic_times in times.items():
        assert topic_times == sorted(topic_times), f"{topic} is out of order"
    statistics = summary.statistics
    assert dict(counts) == dict(statistics.channel_message_counts), "statistics"
    assert sum(counts.values()) == statistics.message_count
    assert statistics.chunk_count == len(summary.chunk_indexes)
    assert statistics.message_start_time == min(t[0] for t in times.values())
    assert statistics.message_end_time == max(t[-1] for t in times.values())
    assert used_frames | parents <= frames | {"world"}, "a frame leads nowhere"
    with open(path, "rb") as file:
        seeking = SeekingReader(file, validate_crcs=True)
        metadata = {m.name: m.metadata for m in seeking.iter_metadata()}
        attachments = {a.name: json.loads(a.data) for a in seeking.iter_attachments()}
        by_time = [m.log_time for _, _, m in seeking.iter_messages()]
    assert by_time == sorted(by_time) and len(by_time) == statistics.message_count
    print(
        json.dumps(
            {
                "header": {"profile": "efference"} if b"efference" in data[:64] else {},
                "topics": {c.topic: summary.schemas[c.schema_id].name for c in summary.channels.values()},
                "counts": {summary.channels[i].topic: n for i, n in counts.items()},
                "metadata": metadata,
                "attachments": attachments,
                "frames": sorted(frames),
                "messages": messages,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
