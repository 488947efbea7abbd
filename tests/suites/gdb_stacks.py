"""For gdb: tells, a line of JSON each, of the threads that are in a system call: the addresses at which
their callers go on, and the names of their functions, from the innermost one on."""

import json

import gdb

SYSCALL_INSTRUCTION = b"\x0f\x05"


def frames_of(thread):
    thread.switch()
    frame, frames = gdb.newest_frame(), []
    while frame is not None and len(frames) < 200:
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            frames.append(frame)
        frame = frame.older()
    return frames


for thread in gdb.selected_inferior().threads():
    try:
        frames = frames_of(thread)
        before = gdb.selected_inferior().read_memory(frames[0].pc() - 2, 2).tobytes()
        if before == SYSCALL_INSTRUCTION:
            told = {"addresses": [f.pc() for f in frames], "names": [f.name() or "??" for f in frames]}
            print(json.dumps(told))
    except gdb.error:
        pass
