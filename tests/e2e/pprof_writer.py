"""Profiles in pprof's format, with what a test says of them, and nothing of ctrace's in between."""

import gzip


def varint(value):
    value &= (1 << 64) - 1
    encoded = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        encoded.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(encoded)


def number(field, value):
    return varint(field << 3) + varint(value)


def message(field, content):
    return varint(field << 3 | 2) + varint(len(content)) + content


def profile(stacks, time_ns=0, duration_ns=0, types=(("cpu", "nanoseconds"),)):
    """`stacks`: pairs of functions, leaf first, and values: one, or one for each of the types."""
    strings = [""]
    functions = {}

    def string(text):
        if text not in strings:
            strings.append(text)
        return strings.index(text)

    body = b"".join(message(1, number(1, string(kind)) + number(2, string(unit))) for kind, unit in types)
    for names, values in stacks:
        ids = [functions.setdefault(name, len(functions) + 1) for name in names]
        values = values if isinstance(values, (list, tuple)) else [values]
        body += message(2, message(1, b"".join(map(varint, ids))) + message(2, b"".join(map(varint, values))))
    for name, key in functions.items():
        body += message(4, number(1, key) + message(4, number(1, key) + number(2, 1)))
        body += message(5, number(1, key) + number(2, string(name)) + number(3, string(name)))
    body += b"".join(message(6, text.encode()) for text in strings)
    return gzip.compress(body + number(9, time_ns) + number(10, duration_ns), mtime=0)
