"""What a recording costs a child that is made, counted: of times, a busy machine says nothing."""

from harness import WORKLOADS, TraceTest, main, run

CHILDREN = WORKLOADS / "children"
RUNS = 6


class Children(TraceTest):
    def faults(self, kind):
        """Page faults of a child: bare, and what they are more when recorded. Where libraries lie is
        another place each time: the least of some runs counts."""
        bare = min(int(run(CHILDREN, kind).out) for _ in range(RUNS))
        recorded = min(
            int(self.record_ok(CHILDREN, kind, options=["--kernel=off"]).out) for _ in range(RUNS)
        )
        return bare, recorded - bare

    def test_a_fork_is_cheap(self):
        bare, more = self.faults("fork")
        # It has no board, only an entry on its parent's; our code and data are the rest. It does not
        # read the clock in its own memory, which takes three.
        self.assertLess(more, 7, f"{bare} bare")

    def test_an_exec_is_cheap(self):
        bare, more = self.faults("exec")
        # After the fork, the library is loaded, and libc's functions are found.
        self.assertLess(more, 36, f"{bare} bare")


if __name__ == "__main__":
    main()
