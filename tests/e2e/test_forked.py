"""A child of fork has no board until it waits: whatever it does, it is told of, once and in full."""

import json
import os
import unittest

from harness import WORKLOADS, TraceTest, main, read_events

FORKED = WORKLOADS / "forked"
WAIT_NS = 20_000_000
STATUS = 7


class Forked(TraceTest):
    def setUp(self):
        super().setUp()
        self.directory = None
        self.events = []
        self.children = []

    def record_child(self, kind, options=()):
        """Records it, and looks at what holds of all kinds."""
        result = self.record_ok(FORKED, kind, options=options)
        self.assertIn("nothing lost", result.err)
        verified = self.ctrace("verify", result.directory)
        self.assertEqual(verified.status, 0, verified)
        self.events = read_events(result.directory)
        self.children = [int(word) for word in result.out.split()]
        images = [(e.fields["pid"], e.fields["process_start_ns"]) for e in self.named("process")]
        self.assertEqual(len(images), len(set(images)), "an image is told of twice")
        self.assertIn(f"recorded {len(images)} processes", result.err)
        starts = [(e.fields["vpid"], e.fields["process_start_ns"]) for e in self.named("process_start")]
        self.assertEqual(sorted(starts), sorted(images))
        return result

    def named(self, name, pid=None):
        """Events of that name, of all processes or of one."""
        found = [e for e in self.events if e.name == f"ctrace:{name}"]
        return [e for e in found if pid in (None, e.fields.get("vpid"))]

    def told(self, pid):
        """What the trace has of a process at its end: the one image of it, and its threads."""
        images = [e.fields for e in self.named("process") if e.fields["pid"] == pid]
        threads = [e.fields for e in self.named("thread") if e.fields["pid"] == pid]
        self.assertEqual(len(images), 1, images)
        return images[0], threads

    def waited_ns(self, pid, op="nanosleep"):
        return sum(e.fields["duration_ns"] for e in self.named("wait", pid) if e.fields["op"] == op)

    def check_waiter(self, kind, op="nanosleep"):
        """It waited once, and all of its life is one image's."""
        self.record_child(kind)
        image, threads = self.told(self.children[0])
        self.assertEqual(len(self.named("process")), 2)
        self.assertGreaterEqual(self.waited_ns(self.children[0], op), WAIT_NS * 0.9)
        self.assertEqual({t["thread_start_ns"] for t in threads[:1]}, {image["process_start_ns"]})

    def test_that_waits_at_once(self):
        self.check_waiter("early")

    def test_that_waits_once_it_is_told_of(self):
        self.check_waiter("late")

    def test_that_waits_for_a_semaphore(self):
        self.check_waiter("semaphore", "semop")

    def test_that_reads_from_a_socket(self):
        self.check_waiter("socket_read", "read")
        self.assertEqual({e.fields["class"] for e in self.named("wait", self.children[0])}, {"net"})

    def test_that_has_failed_to_exec(self):
        self.check_waiter("no_exec")

    def test_that_may_write_no_files_any_more(self):
        self.check_waiter("limited")

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_that_has_another_root_and_user(self):
        self.check_waiter("jailed")

    def test_that_only_another_thread_waits_in(self):
        self.record_child("thread")
        _, threads = self.told(self.children[0])
        self.assertEqual(len(self.named("process")), 2)
        self.assertGreaterEqual(self.waited_ns(self.children[0]), WAIT_NS)
        self.assertIn(self.children[0], [t["tid"] for t in threads])

    def test_that_never_waits(self):
        self.record_child("silent")
        image, threads = self.told(self.children[0])
        self.assertEqual([t["tid"] for t in threads], self.children)
        self.assertEqual(threads[0]["name"], "forked")
        self.assertGreater(image["process_end_ns"], image["process_start_ns"] + 25_000_000)
        self.assertEqual(image["cwd"], str(self.folder))
        self.assertTrue(image["exe"].endswith("/forked"))
        self.assertEqual([e.fields["status"] for e in self.named("process_exit", self.children[0])], [STATUS])

    def test_that_executes_a_program(self):
        self.record_child("exec")
        images = [e.fields for e in self.named("process") if e.fields["pid"] == self.children[0]]
        self.assertEqual(sorted(os.path.basename(i["exe"]) for i in images), ["forked", "true"])
        self.assertEqual([e.fields["path"] for e in self.named("exec")], ["/bin/true"])

    def test_that_is_killed(self):
        self.record_child("stopped")
        image, threads = self.told(self.children[0])
        self.assertNotEqual(image["process_end_ns"], 0)
        self.assertEqual(len(threads), 1)

    def test_whose_parent_ends_first(self):
        self.record_child("orphan")
        last = max(self.named("process"), key=lambda e: e.fields["process_start_ns"]).fields
        self.assertEqual(last["ppid"], self.children[0])
        self.assertEqual(len(self.named("process")), 3)
        self.assertGreaterEqual(self.waited_ns(last["pid"]), WAIT_NS)

    def test_that_has_a_child_of_its_own(self):
        self.record_child("grandchild")
        last = max(self.named("process"), key=lambda e: e.fields["process_start_ns"]).fields
        self.assertEqual(last["ppid"], self.children[0])
        self.assertEqual(len(self.named("process")), 3)

    def test_many_at_once(self):
        self.record_child("many")
        self.assertEqual(len(self.named("process")), 1 + len(self.children))
        for child in self.children:
            self.told(child)

    def test_under_the_kernel_layer(self):
        self.record_child("late", options=["--kernel=sched"])
        self.told(self.children[0])
        self.assertGreaterEqual(self.waited_ns(self.children[0]), WAIT_NS)

    def test_the_last_ones_are_no_images_of_the_kernels_as_well(self):
        """It tells of those that nobody else does: not of a child whose start is yet to be told."""
        for _ in range(4):
            directory = self.record_ok(WORKLOADS / "forks", options=["--kernel=auto"]).directory
            told = [e for e in read_events(directory) if e.name == "ctrace:process"]
            report = json.loads(self.ctrace("report", "--format=json", directory).out)
            self.assertEqual(len(report["processes"]), len(told))


if __name__ == "__main__":
    main()
