"""A thread that is cancelled inside a wait ends there, and the wait is in the trace."""

import json

from harness import WORKLOADS, TraceTest, main, run

# Of the 30 ms for which each call is left alone: what a busy machine leaves of them.
SHORTEST_NS = 10_000_000


class Cancellation(TraceTest):
    def test_ends_every_wait(self):
        bare = run(WORKLOADS / "cancelled")
        self.assertEqual(bare.status, 0, bare)
        result = self.record_ok(WORKLOADS / "cancelled")
        calls = json.loads(result.out)
        self.assertEqual([c["call"] for c in calls], [c["call"] for c in json.loads(bare.out)])

        waits = self.waits(result.directory)
        for call in calls:
            with self.subTest(call["call"]):
                found = [
                    wait.fields["duration_ns"]
                    for wait in waits
                    if wait.fields.get("vtid") == call["tid"] and wait.fields["op"] == call["op"]
                ]
                self.assertEqual(len(found), 1)
                self.assertGreater(found[0], SHORTEST_NS)
                self.assertLess(found[0], call["lived_ns"])


if __name__ == "__main__":
    main()
