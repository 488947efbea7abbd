"""Who made others wait: the mutex profile charges those who held a lock, for as long as they did."""

from harness import WORKLOADS, TraceTest, main

PYTHON = "/usr/bin/python3"

# One thread computes, and has Python's own lock meanwhile; two others need it for a moment.
PYTHON_PROGRAM = """
import threading, time
stop = time.monotonic() + 1
def hog():
    while time.monotonic() < stop:
        sum(number * number for number in range(100000))
def peek():
    while time.monotonic() < stop:
        time.sleep(0.001)
threads = [threading.Thread(target=function) for function in (hog, peek, peek)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def sum_ns(samples):
    return sum(sample.delay_ns for sample in samples)


class Blame(TraceTest):
    def held(self, directory, **labels):
        return [
            sample
            for sample in self.profile("mutex", directory).samples
            if all(sample.labels.get(key) == value for key, value in labels.items())
        ]

    def check(self, lock, role, waits, releases):
        """The one that holds the lock for long is charged; the sum is the time of the waiters."""
        options = ["--kernel=off", "--rate=0"]
        trace = self.record_ok(WORKLOADS / "blame", lock, options=options).directory
        held = self.held(trace, role=role, op=releases)
        by_journal = [sample for sample in held if "append_journal" in sample.stack]
        self.assertGreater(sum_ns(held), 100_000_000)
        self.assertGreater(sum_ns(by_journal), 0.9 * sum_ns(held), held)
        objects = {sample.labels["object"] for sample in held}
        waited = [
            sample
            for sample in self.profile("sync", trace).samples
            if sample.labels["op"] == waits and sample.labels.get("object") in objects
        ]
        charged = [s for s in self.held(trace) if s.labels.get("object") in objects]
        self.assertEqual(sum_ns(charged), sum_ns(waited))
        self.assertEqual(sum(s.count for s in charged), sum(s.count for s in waited))

    def test_of_a_mutex(self):
        self.check("mutex", "holder", "pthread_mutex_lock", "pthread_mutex_unlock")

    def test_of_a_read_write_lock(self):
        self.check("rwlock", "holder", "pthread_rwlock_wrlock", "pthread_rwlock_unlock")

    def test_of_a_semaphore(self):
        self.check("semaphore", "poster", "sem_wait", "sem_post")

    def test_of_a_condition(self):
        self.check("condition", "poster", "pthread_cond_wait", "pthread_cond_signal")

    def test_of_a_futex(self):
        self.check("futex", "poster", "futex_wait", "futex_wake")

    def test_of_pythons_own_lock(self):
        trace = self.record_ok(PYTHON, "-c", PYTHON_PROGRAM, options=["--kernel=off"]).directory
        posted = self.held(trace, role="poster", op="pthread_cond_signal")
        by_thread = {}
        for sample in posted:
            tid = sample.labels["tid"]
            by_thread[tid] = by_thread.get(tid, 0) + sample.delay_ns
        self.assertGreater(sum(by_thread.values()), 50_000_000)
        self.assertGreater(max(by_thread.values()), 0.9 * sum(by_thread.values()), by_thread)


if __name__ == "__main__":
    main()
