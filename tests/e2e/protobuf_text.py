"""What `protoc --decode` prints, as dicts of lists."""

import ast
import subprocess


def parse_message(lines):
    fields = {}
    for line in lines:
        line = line.strip()
        if line == "}":
            return fields
        if line.endswith("{"):
            fields.setdefault(line[:-1].strip(), []).append(parse_message(lines))
        else:
            name, value = line.split(": ", 1)
            # Texts are escaped as C does it, byte by byte, as is what is no text.
            value = ast.literal_eval("b" + value) if value[0] in "\"'" else value
            if isinstance(value, bytes) and not name.endswith("_id"):
                value = value.decode()
            fields.setdefault(name, []).append(value)
    return fields


def decode(path, schema, message):
    with open(path, "rb") as file:
        decoded = subprocess.run(
            ["protoc", f"--decode={message}", f"--proto_path={schema.parent}", schema],
            stdin=file, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    return parse_message(iter(decoded.stdout.splitlines()))


def one(message, name, default=None):
    return message.get(name, [default])[0]


def number(message, name):
    return int(one(message, name, "0"))
