"""The longest path through the graph of a recording, the naive way: all of its events in memory, as
babeltrace2 tells them, and a dynamic program over all edges, each of which is a time that passes.

What `ctrace report path` follows back greedily is to be the longest path here: a thread that waited
for another one spent none of its time on the path, so the path that waits the least is the longest.
"""

import bisect
import collections
import functools
import threading

from harness import WAIT_EVENTS

# What is waited for, by the beginning of the operation's name.
KINDS = {
    "pthread_mutex_": "mutex",
    "pthread_cond_": "condition",
    "pthread_barrier_": "barrier",
    "pthread_join": "thread",
    "pthread_exit": "thread",
    "sem_": "semaphore",
}

# A wake may be written that much later than the end of the wait that it ended.
SLACK_NS = 1000

Wait = collections.namedtuple("Wait", "begin end kind object")
Wake = collections.namedtuple("Wake", "time thread")


def kind_of(op):
    return next((kind for prefix, kind in KINDS.items() if op.startswith(prefix)), None)


class Graph:
    """Threads are (pid, tid)."""

    def __init__(self, events):
        self.waits = collections.defaultdict(list)  # by thread, in order of time
        self.wakes = collections.defaultdict(list)  # by process, kind and object
        self.starts = {}  # when, and by whom it was created or forked
        self.ends = {}
        forked = {}
        for event in events:
            fields = event.fields
            thread = (fields.get("vpid"), fields.get("vtid"))
            if event.name in WAIT_EVENTS:
                end = event.time_ns - fields["lag_ns"]
                self.waits[thread].append(
                    Wait(end - fields["duration_ns"], end, kind_of(fields["op"]), fields["object"])
                )
            elif event.name in ("ctrace:wake", "ctrace:long_wake"):
                self.add_wake(thread, event.time_ns - fields["lag_ns"], fields["op"], fields["object"])
            elif event.name == "ctrace:thread_start" and fields["creator_tid"] > 0:
                self.starts[thread] = (event.time_ns, (thread[0], fields["creator_tid"]))
            elif event.name == "ctrace:thread_exit":
                self.ends[thread] = event.time_ns
                self.add_wake(thread, event.time_ns, "pthread_exit", thread[1])
            elif event.name == "ctrace:fork":
                forked[fields["child_pid"]] = thread
            elif event.name == "ctrace:process_start":
                self.starts[thread] = (min(fields["process_start_ns"], event.time_ns), None)
            elif event.name == "ctrace:process_exit":
                self.ends.setdefault(thread, event.time_ns)
        for thread, (time, creator) in self.starts.items():
            self.starts[thread] = (time, creator or forked.get(thread[0]))
        for waits in self.waits.values():
            waits.sort()
        for wakes in self.wakes.values():
            wakes.sort()

    def add_wake(self, thread, time, op, obj):
        self.wakes[(thread[0], kind_of(op), obj)].append(Wake(time, thread))

    def waker_of(self, thread, wait):
        """The last of those that others gave while it waited."""
        wakes = [
            wake
            for wake in self.wakes.get((thread[0], wait.kind, wait.object), ())
            if wake.thread != thread and wait.begin <= wake.time <= wait.end + SLACK_NS
        ]
        return wakes[-1] if wakes and wait.kind else None

    def edges_into(self, thread, time):
        """(thread, time, how long the edge is, and on whose time), of all edges to that moment."""
        start, creator = self.starts[thread]
        if time <= start:
            return [(creator, time, 0, None)] if creator else []
        waits = self.waits[thread]
        last = bisect.bisect_left(waits, (time,)) - 1
        while last >= 0 and waits[last].begin == waits[last].end:
            last -= 1
        wait = waits[last] if last >= 0 else None
        if not wait or wait.end < time:
            before = max(wait.end if wait else 0, start)
            return [(thread, before, time - before, thread)]
        wake = self.waker_of(thread, wait)
        if not wake or wait.end > time:
            return [(thread, wait.begin, time - wait.begin, thread)]
        woken = min(wake.time, time, self.ends.get(wake.thread, wake.time))
        return [
            (thread, wait.begin, 0, None),
            (wake.thread, woken, time - woken, thread),
        ]

    def longest(self, thread, end, begin):
        """How long the longest path to that moment is, and how much of it is each thread's."""

        @functools.cache
        def best(to, time):
            if time <= begin:
                return (begin - begin, None)
            found = (0, None)
            for edge in self.edges_into(to, time):
                length = min(edge[2], time - begin) + best(edge[0], edge[1])[0]
                if found[1] is None or length > found[0]:
                    found = (length, edge)
            return found

        shares = collections.Counter()
        length, edge = best(thread, end)
        at = end
        while edge and at > begin:
            if edge[3]:
                shares[edge[3][1]] += min(edge[2], at - begin)
            at = edge[1]
            edge = best(edge[0], edge[1])[1]
        return length, shares


def longest_path(events, thread, begin, end):
    """As longest() does. Paths are long, and the program goes back over them by calling itself."""
    import sys

    answer = []
    graph = Graph(events)
    sys.setrecursionlimit(1_000_000)
    threading.stack_size(1 << 29)
    work = threading.Thread(target=lambda: answer.append(graph.longest(thread, end, begin)))
    work.start()
    work.join()
    threading.stack_size(0)
    return answer[0]
