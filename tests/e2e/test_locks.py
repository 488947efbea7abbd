"""Locks of every kind: who waits for one is told with who holds it, who does not is not."""

from harness import WAIT_EVENTS, WORKLOADS, TraceTest, main, read_events, workload_answer

# Of the waits: the rest is of threads that came late, and found the lock free.
LEAST_WAITED = 0.5


class Locks(TraceTest):
    def setUp(self):
        super().setUp()
        result = self.record_ok(WORKLOADS / "waits_locks", options=["--rate=0"])
        self.answers = workload_answer(result)
        self.events = read_events(result.directory)
        self.waits_for_locks = [
            event
            for event in self.events
            if event.name in WAIT_EVENTS and event.fields["op"] == "pthread_mutex_lock"
        ]

    def thread(self, name):
        """The first one that got this name: those that it begins have it, too."""
        return next(
            event.fields["vtid"]
            for event in self.events
            if event.name == "ctrace:thread_name" and event.fields["name"] == name
        )

    def test_tell_the_truth(self):
        self.check_that_holders_are_named()
        self.check_that_free_locks_are_no_waits()
        self.check_that_an_inner_unlock_wakes_nobody()

    def check_that_holders_are_named(self):
        creators = {
            event.fields["vtid"]: event.fields["creator_tid"]
            for event in self.events
            if event.name == "ctrace:thread_start"
        }
        for answer in self.answers:
            if answer["op"] != "pthread_mutex_lock":
                continue
            with self.subTest(answer["name"]):
                owners = [
                    event.fields.get("owner")
                    for event in self.waits_for_locks
                    if event.fields["vtid"] == answer["tid"]
                ]
                self.assertGreaterEqual(len(owners), answer["count"] * LEAST_WAITED)
                for owner in owners:  # of robust ones, too, libc says that processes may share them
                    self.assertEqual(creators.get(abs(owner)), answer["tid"])

    def check_that_free_locks_are_no_waits(self):
        free = self.thread("free")
        self.assertEqual(
            [event for event in self.waits_for_locks if event.fields["vtid"] == free], []
        )

    def check_that_an_inner_unlock_wakes_nobody(self):
        nested = self.thread("nested")
        wakes = [
            event
            for event in self.events
            if event.name == "ctrace:wake"
            and event.fields["vtid"] == nested
            and event.fields["op"] == "pthread_mutex_unlock"
        ]
        self.assertEqual(len(wakes), 1)


if __name__ == "__main__":
    main()
