"""What MediaPipe's tasks ask of a .tflite file: that it says how pixels become its input.

The tables are those of mediapipe/tasks/metadata/metadata_schema.fbs; slots are counted in its order.
"""

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

import tflite

NORMALIZATION, IMAGE, RGB = 1, 2, 1  # members of ProcessUnitOptions, ContentProperties and ColorSpaceType


def table(builder, slots):
    """A table from {slot: (kind, value)}: 'ref' of an offset, 'byte' of a number."""
    builder.StartObject(max(slots) + 1)
    for slot, (kind, value) in slots.items():
        if kind == "ref":
            builder.PrependUOffsetTRelativeSlot(slot, value, 0)
        else:
            builder.PrependByteSlot(slot, value, 0)
    return builder.EndObject()


def vector(builder, offsets):
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def floats(builder, values):
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return builder.EndVector()


def metadata(mean, std):
    """ModelMetadata of a network with one image as input, normalized as (pixel - mean) / std, and one output."""
    b = flatbuffers.Builder(512)
    normalization = table(b, {0: ("ref", floats(b, [mean])), 1: ("ref", floats(b, [std]))})
    unit = table(b, {0: ("byte", NORMALIZATION), 1: ("ref", normalization)})
    image = table(b, {0: ("byte", RGB)})
    content = table(b, {0: ("byte", IMAGE), 1: ("ref", image)})
    tensors = {}
    for name, slots in {"image": {3: ("ref", content), 4: ("ref", vector(b, [unit]))}, "mask": {}}.items():
        tensors[name] = table(b, {0: ("ref", b.CreateString(name)), **slots})
    subgraph = table(b, {2: ("ref", vector(b, [tensors["image"]])), 3: ("ref", vector(b, [tensors["mask"]]))})
    version = b.CreateString("1.0.0")
    b.Finish(table(b, {3: ("ref", vector(b, [subgraph])), 7: ("ref", version)}), file_identifier=b"M001")
    return bytes(b.Output())


def with_metadata(data, mean=0.0, std=255.0):
    """The file with such metadata; the default is for inputs in 0..1."""
    model = tflite.unpack(data)
    buffer = schema.BufferT()
    buffer.data = list(metadata(mean, std))
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name = "TFLITE_METADATA"
    entry.buffer = len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    return tflite.pack(model)
