"""Threads that wait: for a lock, a queue, a socket, and time."""

import queue
import socket
import threading
import time

lock, items = threading.Lock(), queue.Queue()
ours, theirs = socket.socketpair()


def hold():
    while True:
        with lock:
            time.sleep(0.003)
        time.sleep(0.0005)


def take():
    while True:
        items.get()


def receive():
    while True:
        theirs.recv(1)


for work in (hold, hold, take, receive):
    threading.Thread(target=work, daemon=True).start()
while True:
    items.put(sum(range(5000)))
    ours.send(b"x")
    time.sleep(0.004)
