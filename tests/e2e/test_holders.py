"""Who held the locks that threads waited for, and what those did meanwhile: ctrace report locks."""

import json

from harness import EXAMPLES, WORKLOADS, TraceTest, main


class Holders(TraceTest):
    def locks(self, directory, *options):
        result = self.ctrace("report", "--format=json", *options, directory)
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)["locks"]

    def lock(self, directory, name):
        found = [lock for lock in self.locks(directory) if name in lock["object"]]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def record_one(self, scenario, kernel="off"):
        options = [f"--kernel={kernel}", "--rate=0"]
        return self.record_ok(WORKLOADS / "holders", scenario, options=options).directory

    def keeper_of(self, lock):
        """Who is charged with the most."""
        first = lock["holders"][0]
        self.assertEqual(first["thread"], "keeper")
        self.assertIn("keep_busy", [frame["function"] for frame in first["stack"]])
        held_ns = sum(holder["total_ns"] for holder in lock["holders"])
        self.assertGreater(first["total_ns"], 0.8 * held_ns)
        return first

    def check_sums(self, lock):
        meanwhile = lock["meanwhile_ns"]
        held_ns = sum(meanwhile[state] for state in ("running", "runnable", "waiting", "unknown"))
        self.assertEqual(sum(meanwhile.values()), lock["total_ns"])
        self.assertEqual(sum(holder["total_ns"] for holder in lock["holders"]), held_ns)
        self.assertEqual(sum(waiter["total_ns"] for waiter in lock["waiters"]), lock["total_ns"])
        for holder in lock["holders"]:
            doings_ns = sum(doing["total_ns"] for doing in holder["meanwhile"])
            self.assertEqual(doings_ns, holder["total_ns"])

    def check_profiles(self, directory):
        """What waiters waited for a lock, those who held it are charged with."""
        mutex, blame = (self.profile(kind, directory) for kind in ("mutex", "blame"))
        objects = {sample.labels["object"] for sample in mutex.samples}
        waited = [
            sample
            for sample in self.profile("sync", directory).samples
            if sample.labels.get("object") in objects
        ]
        self.assertEqual(blame.delay_ns, mutex.delay_ns)
        self.assertEqual(blame.delay_ns, sum(sample.delay_ns for sample in waited))
        self.assertEqual(sum(s.count for s in blame.samples), sum(s.count for s in mutex.samples))
        return blame

    def test_one_that_computes(self):
        trace = self.record_one("computes")
        lock = self.lock(trace, "(outer)")
        keeper = self.keeper_of(lock)
        self.assertEqual([doing["state"] for doing in keeper["meanwhile"]], ["running"])
        self.assertIn(lock["threads"], (3, 4))
        self.assertIn(lock["longest_queue"], (1, 2, 3))
        self.check_sums(lock)
        blame = self.check_profiles(trace)
        self.assertGreater(blame.delay_of(thread="keeper", state="running"), 0.8 * blame.delay_ns)

    def test_one_that_reads(self):
        trace = self.record_one("reads")
        lock = self.lock(trace, "(outer)")
        first = self.keeper_of(lock)["meanwhile"][0]
        self.assertEqual(
            (first["state"], first["class"], first["operation"]), ("waiting", "syscall", "read")
        )
        self.assertIn("read_late", [frame["function"] for frame in first["stack"]])
        self.assertGreater(first["total_ns"], 0.5 * lock["total_ns"])
        self.check_sums(lock)
        blame = self.check_profiles(trace)
        reads = [sample for sample in blame.samples if sample.labels.get("op") == "read"]
        self.assertGreater(sum(sample.delay_ns for sample in reads), 0.5 * blame.delay_ns)
        for sample in reads:
            self.assertIn("read_late", sample.stack)

    def test_one_that_waits_for_another_lock(self):
        trace = self.record_one("nested")
        lock = self.lock(trace, "(outer)")
        first = self.keeper_of(lock)["meanwhile"][0]
        self.assertEqual((first["state"], first["operation"]), ("waiting", "pthread_mutex_lock"))
        self.assertIn("(inner)", first["object"])
        self.assertEqual((first["last_state"], first["last_operation"]), ("waiting", "nanosleep"))
        self.check_sums(lock)
        self.check_sums(self.lock(trace, "(inner)"))
        blame = self.check_profiles(trace)
        sleeps_ns = sum(
            sample.delay_ns
            for sample in blame.samples
            if sample.labels.get("op") == "nanosleep" and "sleep_inside" in sample.stack
        )
        self.assertGreater(sleeps_ns, 0.5 * blame.delay_ns)

    def test_one_that_gets_no_cpu(self):
        trace = self.record_one("starved", kernel="auto")
        capture = json.loads(self.ctrace("report", "--format=json", trace).out)["capture"]
        if "kernel" not in capture["layers"]:
            self.skipTest("the kernel gives no layer here")
        lock = self.lock(trace, "(outer)")
        keeper = self.keeper_of(lock)
        self.assertEqual(keeper["meanwhile"][0]["state"], "runnable", keeper)
        self.check_sums(lock)
        blame = self.check_profiles(trace)
        self.assertGreater(
            blame.delay_of(thread="keeper", state="runnable"),
            blame.delay_of(thread="keeper", state="running"),
        )

    def test_a_convoy(self):
        """Sampled waits, the waiters' own time for a CPU, and holders that change places."""
        trace = self.record_ok(EXAMPLES / "convoy", options=["--kernel=auto"]).directory
        lock = self.lock(trace, "(statistics_lock)")
        holder = lock["holders"][0]
        functions = [frame["function"] for frame in holder["stack"]]
        self.assertIn("serve_page", functions)
        self.assertIn("worker", functions)
        self.assertTrue(holder["has_several_threads"])
        waiting_ns = sum(d["total_ns"] for d in holder["meanwhile"] if d["state"] == "waiting")
        self.assertLess(waiting_ns, 0.5 * holder["total_ns"])
        self.assertGreater(lock["known_holds"], 0)
        self.check_sums(lock)

    def test_a_part_of_a_recording(self):
        trace = self.record_one("computes")
        parts = [
            sum(lock["total_ns"] for lock in self.locks(trace, *window))
            for window in (["--to=40%"], ["--from=40%"], [])
        ]
        self.assertEqual(parts[0] + parts[1], parts[2])
        by_thread = [
            sum(lock["total_ns"] for lock in self.locks(trace, f"--thread={name}"))
            for name in ("waiter-1", "waiter-2", "waiter-3", "keeper")
        ]
        self.assertEqual(sum(by_thread), parts[2])

    def test_the_text(self):
        trace = self.record_one("reads")
        result = self.ctrace("report", "locks", "--width=200", trace)
        self.assertEqual(result.status, 0, result)
        self.assertRegex(result.out, r"1\. mutex 0x[0-9a-f]+ \(outer\), of holders \(\d+\)")
        self.assertRegex(result.out, r"held by keeper \(\d+\) in keep_busy \(holders\.c:\d+\) < keep")
        self.assertRegex(result.out, r"(?m)^ +meanwhile in read \d")
        self.assertRegex(result.out, r"waited for in want \(holders\.c:\d+\) < wait_in_line")
        self.assertNotIn("Where the time was waited", result.out)

    def test_no_lock(self):
        trace = self.record_ok("/bin/true").directory
        result = self.ctrace("report", "locks", trace)
        self.assertEqual(result.out, "No thread waited for a lock\n")


if __name__ == "__main__":
    main()
