"""Writes events.out beside this script: events as TensorBoard's own classes and record writer make them.

Run with a Python that has the tensorboard package:  python make_events.py
"""

import pathlib

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def summary(**values):
    return summary_pb2.Summary(
        value=[summary_pb2.Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
    )


events = [
    event_pb2.Event(wall_time=1.5, file_version="brain.Event:2"),
    event_pb2.Event(wall_time=1.5, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)),
    event_pb2.Event(wall_time=2.5, step=0, summary=summary(loss=2.25)),
    event_pb2.Event(wall_time=1.7e9, step=123_456_789, summary=summary(**{"mixture/" + "x" * 200: -0.1, "bytes": 3e9})),
]
with open(pathlib.Path(__file__).with_name("events.out"), "wb") as file:
    writer = RecordWriter(file)
    for event in events:
        writer.write(event.SerializeToString(deterministic=True))
