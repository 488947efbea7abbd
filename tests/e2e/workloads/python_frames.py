"""Threads that wait in known functions. Prints, as JSON, the Python stack of each of them as the
interpreter itself tells it meanwhile: [[[function, file, line], ...], ...], the innermost first.

Works with Python 3.8 and later. Arguments: names of scenarios; none: all of them."""

import asyncio
import collections
import contextlib
import ctypes
import functools
import json
import os
import queue
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

WAIT_S = 0.6
HAS_QUALIFIED = sys.version_info >= (3, 11)


def nested():
    def inner(duration_s):
        time.sleep(duration_s)

    def outer():
        inner(WAIT_S)

    outer()


def in_generator():
    def numbers():
        yield 1
        time.sleep(WAIT_S)
        yield 2

    def delegate():
        yield from numbers()

    for _ in delegate():
        pass


def in_comprehension():
    [time.sleep(WAIT_S) for _ in range(1)]


def in_lambda():
    (lambda: time.sleep(WAIT_S))()


def in_method():
    class Handler:
        def handle(self):
            time.sleep(WAIT_S)

        @property
        def value(self):
            return self.handle()

    Handler().value  # pylint: disable=expression-not-assigned


def in_callback():
    """Python, C, Python."""

    def key(_):
        time.sleep(WAIT_S)
        return 0

    sorted([1], key=key)
    del key


def in_ctypes_callback():
    """C code that waits in Python code that it calls back."""

    def compare(_a, _b):
        time.sleep(WAIT_S)
        return 0

    function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(compare)
    array = (ctypes.c_int * 2)(1, 2)
    ctypes.CDLL(None).qsort(array, 2, ctypes.sizeof(ctypes.c_int), function)


def in_coroutine():
    async def leaf():
        time.sleep(WAIT_S)

    async def root():
        await leaf()

    asyncio.run(root())


def on_lock():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=WAIT_S)


def on_queue():
    with contextlib.suppress(queue.Empty):
        queue.Queue().get(timeout=WAIT_S)


def on_socket():
    near, far = socket.socketpair()
    with near, far:
        near.settimeout(WAIT_S)
        with contextlib.suppress(OSError):
            near.recv(1)


def on_child():
    subprocess.run(["sleep", str(WAIT_S)], check=True)


def on_database():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "database")
        with contextlib.closing(sqlite3.connect(path)) as holder:
            holder.execute("begin exclusive")
            with contextlib.closing(sqlite3.connect(path, timeout=WAIT_S)) as waiter:
                with contextlib.suppress(sqlite3.OperationalError):
                    waiter.execute("create table t (x)")


def on_several_lines():
    functools.reduce(
        lambda _, duration_s: time.sleep(
            duration_s
        ),
        [0, WAIT_S],
    )


def naïve_ελληνικά():
    time.sleep(WAIT_S)


SCENARIOS = [
    nested, in_generator, in_comprehension, in_lambda, in_method, in_callback, in_ctypes_callback,
    in_coroutine, on_lock, on_queue, on_socket, on_child, on_database, on_several_lines,
    naïve_ελληνικά,
]  # fmt: skip


def stack_of(thread):
    frame = sys._current_frames().get(thread.ident)
    stack = []
    while frame is not None:
        code = frame.f_code
        name = code.co_qualname if HAS_QUALIFIED else code.co_name
        stack.append([name, os.path.basename(code.co_filename), frame.f_lineno])
        frame = frame.f_back
    return stack


def main():
    wanted = [each for each in SCENARIOS if len(sys.argv) == 1 or each.__name__ in sys.argv[1:]]
    threads = [threading.Thread(target=each) for each in wanted]
    seen = {thread: collections.Counter() for thread in threads}
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            seen[thread][json.dumps(stack_of(thread))] += thread.is_alive()
        time.sleep(WAIT_S / 50)
    # Where each was for most of the time.
    print(json.dumps([json.loads(seen[thread].most_common(1)[0][0]) for thread in threads]))


main()
