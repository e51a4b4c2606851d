"""Reads what `octomask profile` wrote, with readers that know nothing of it, and holds the files against each other.

    python tests/profile/read.py PROFILE.json PROFILE.csv TRACE.json
"""

import csv
import json
import sys

# Columns of the CSV that are numbers, and where the JSON has them.
NUMBERS = {
    **{f"{name}_ms": ("ms", name) for name in ("first", "min", "median", "mean", "p95", "max", "std")},
    **{name: (name,) for name in ("index", "macs", "bytes", "share", "gflops", "gbps", "intensity", "repetitions")},
    "limit_share": ("limitShare",),
}


def no_constant(text):
    raise ValueError(f"{text} is no JSON")


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file, parse_constant=no_constant)


def check_csv(rows, layers):
    assert len(rows) == len(layers), f"{len(rows)} rows, {len(layers)} layers"
    for row, layer in zip(rows, layers):
        assert None not in row and None not in row.values(), f"a row of another length: {row}"
        for column, path in NUMBERS.items():
            value = layer
            for key in path:
                value = value[key]
            assert abs(float(row[column]) - value) <= 1e-6, f"{column}: {row[column]}, {value}"
        for column in ("op", "name", "kernel", "bound"):
            assert row[column] == layer[column], f"{column}: {row[column]}, {layer[column]}"
        shapes = [[int(n) for n in shape.split("x")] for shape in row["input_shapes"].split()]
        assert shapes == layer["inputShapes"], shapes
        assert [int(n) for n in row["output_shape"].split("x")] == layer["outputShape"]
        assert [int(n) for n in row["fused"].split()] == layer["fused"]


def nanoseconds(us):
    return round(us * 1000)


def check_track(events, name):
    """Events come in order, and each lies in the one it begins in or behind it. Returns those that lie in none."""
    open_events = []
    outermost = []
    last = 0
    for event in events:
        start = nanoseconds(event["ts"])
        end = nanoseconds(event["ts"]) + nanoseconds(event["dur"])
        assert start >= last >= 0 and end >= start, f"{name}: {event} after {last} ns"
        last = start
        while open_events and open_events[-1] <= start and open_events[-1] < end:
            open_events.pop()
        if open_events:
            assert end <= open_events[-1], f"{name}: {event} reaches out of what it begins in"
        else:
            outermost.append(event)
        open_events.append(end)
    return outermost


def check_trace(trace, profile):
    layers = profile["layers"]
    tracks, events = {}, {}
    for event in trace["traceEvents"]:
        assert event["ph"] in ("M", "X"), event
        assert isinstance(event["pid"], int) and isinstance(event["tid"], int) and event["tid"] > 0, event
        if event["ph"] == "M":
            if event["name"] == "thread_name":
                assert event["tid"] not in tracks, event
                tracks[event["tid"]] = event["args"]["name"]
        else:
            assert isinstance(event["name"], str) and isinstance(event["args"], dict), event
            events.setdefault(event["tid"], []).append(event)
    threads = [f"thread {i}" for i in range(profile["threads"])]
    assert sorted(tracks.values()) == sorted(["run", *threads]), tracks
    assert set(events) <= set(tracks), "events on a track without a name"
    by_name = {name: events.get(track, []) for track, name in tracks.items()}

    # The run, and in it the steps without a gap.
    outermost = check_track(by_name["run"], "run")
    run, *steps = by_name["run"]
    assert outermost == [run] and run["name"] == "run", outermost
    assert sum(nanoseconds(step["dur"]) for step in steps) == nanoseconds(run["dur"])
    assert len(steps) == len(layers)
    assert [step["args"]["step"] for step in steps] == list(range(len(layers)))
    for event in steps:
        check_step(event, layers)

    # The threads' parts, one after the other, each in a step that the profile has.
    for name in threads:
        parts = by_name[name]
        assert check_track(parts, name) == parts, f"{name}: parts lie in each other"
        for event in parts:
            check_step(event, layers)
    parts = sum(len(by_name[name]) for name in threads)
    assert parts == len(profile["timeline"]), f"{parts} parts"
    return len(tracks)


def check_step(event, layers):
    layer = layers[event["args"]["step"]]
    assert event["name"] == layer["op"], event
    for key in ("index", "op", "name", "fused", "kernel", "inputShapes", "outputShape", "macs", "bytes", "bound"):
        assert event["args"][key] == layer[key], f"{key}: {event['args'][key]}, {layer[key]}"
    assert abs(event["args"]["gflops"] - layer["gflops"]) < 1e-9


def main():
    profile_path, csv_path, trace_path = sys.argv[1:]
    profile = read_json(profile_path)
    with open(csv_path, encoding="utf-8", newline="") as file:
        check_csv(list(csv.DictReader(file, strict=True)), profile["layers"])
    tracks = check_trace(read_json(trace_path), profile)
    print(f"{len(profile['layers'])} layers, {tracks} tracks")


if __name__ == "__main__":
    main()
