"""Threads that compute, and so take turns by the interpreter's lock."""

import threading
import time

THREADS = 3
SPENT_S = 0.4


def compute(until):
    total = 0
    while time.monotonic() < until:
        for number in range(1000):
            total += number * number
    return total


def handle(until):
    return compute(until)


def main():
    until = time.monotonic() + SPENT_S
    threads = [threading.Thread(target=handle, args=(until,)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
