"""Waits in what is hard on whoever describes functions: `codes` many of them, made from text, of
which most are freed again; `odd`, by odd names; `deep`, a recursion; `fork`, in children of fork;
`enters`, in a sub-interpreter; `ends`, in threads that end. Prints how often it waited in each
function that the caller is to find."""

import json
import os
import sys
import threading
import time

PAUSE_S = 0.0002


def codes():
    """Functions whose memory is another's soon: each is to be told by its own name."""
    expected = {}
    for number in range(10000):
        names = {"time": time}
        exec(f"def made_{number:05}(s):\n    time.sleep(s)\n", names)  # pylint: disable=exec-used
        function = names[f"made_{number:05}"]
        if number % 10 == 0:
            function(PAUSE_S)
            expected[function.__name__] = 1
        else:
            function(0)
    return expected


def odd():
    """Names that nobody writes, and what they are as text."""
    names = {
        "\x1b[31mred\n": "\x1b[31mred\n",
        "<script>&amp;": "<script>&amp;",
        "\ud800half\udcff": "\ufffdhalf\ufffd",
        "\x9b31m\u2028\u202e": "\x9b31m\u2028\u202e",
        "n\0ul": "n ul",
        "": "a Python function",
        "\U0001f600 smile": "\U0001f600 smile",
    }
    for name in names:
        scope = {"time": time}
        exec("def made():\n    time.sleep(0.001)\n", scope)  # pylint: disable=exec-used
        code = scope["made"].__code__.replace(co_name=name, co_filename="/" + name)
        if hasattr(code, "co_qualname"):
            code = code.replace(co_qualname=name)
        scope["made"].__code__ = code
        scope["made"]()
    return {text: 1 for text in names.values()}


def deep():
    sys.setrecursionlimit(5000)

    def down(depth):
        if depth == 0:
            time.sleep(0.05)
        else:
            down(depth - 1)

    down(1000)
    return {"down": 1}


def fork():
    def in_child():
        time.sleep(0.02)

    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            in_child()
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return {"in_child": 3}


def enters():
    """A sub-interpreter in the thread of the main one."""
    try:
        import _interpreters as interpreters  # pylint: disable=import-outside-toplevel
    except ImportError:
        import _xxsubinterpreters as interpreters  # pylint: disable=import-outside-toplevel
    source = "import time\ndef inside():\n    time.sleep(0.003)\ninside()"
    interpreters.run_string(interpreters.create(), source)
    return {"enters": 1}


def ends():
    def brief():
        time.sleep(0.005)

    for _ in range(20):
        threads = [threading.Thread(target=brief) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return {"brief": 100}


SCENARIOS = {"codes": codes, "odd": odd, "deep": deep, "fork": fork, "enters": enters, "ends": ends}

print(json.dumps(SCENARIOS[sys.argv[1]]()))
