"""What a recording costs a child that is made, counted: of times, a busy machine says nothing."""

from harness import WORKLOADS, TraceTest, main, run

CHILDREN = WORKLOADS / "children"


class Children(TraceTest):
    def faults(self, kind):
        """Page faults of a child: bare, and what they are more when recorded."""
        bare = int(run(CHILDREN, kind).out)
        return bare, int(self.record_ok(CHILDREN, kind, options=["--kernel=off"]).out) - bare

    def test_a_fork_is_cheap(self):
        bare, more = self.faults("fork")
        # It has no board, only an entry on its parent's; our code and data are the rest.
        self.assertLess(more, 14, f"{bare} bare")

    def test_an_exec_is_cheap(self):
        bare, more = self.faults("exec")
        # After the fork, the library is loaded, and libc's functions are found.
        self.assertLess(more, 60, f"{bare} bare")


if __name__ == "__main__":
    main()
