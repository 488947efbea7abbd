"""Threads of Python that wait on sockets and on each other. Prints the waits that it measured."""

import json
import socket
import threading
import time


def timed(call, *arguments):
    begin = time.monotonic_ns()
    call(*arguments)
    return time.monotonic_ns() - begin


def echo_slowly(listener):
    connection, _ = listener.accept()
    with connection:
        while connection.recv(1):
            time.sleep(0.03)
            connection.sendall(b"x")


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    server = threading.Thread(target=echo_slowly, args=(listener,))
    server.start()

    with socket.create_connection(listener.getsockname()) as client:
        received = 0
        for _ in range(10):
            client.sendall(b"x")
            received += timed(client.recv, 1)
    joined = timed(server.join)

    lock = threading.Lock()
    lock.acquire()
    threading.Timer(0.2, lock.release).start()
    locked = timed(lock.acquire)
    slept = timed(time.sleep, 0.15)

    print(json.dumps({"recv": received, "lock": locked, "join": joined, "sleep": slept}))


main()
