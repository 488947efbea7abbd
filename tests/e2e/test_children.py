"""What a recording costs a child that is made, counted: of times, a busy machine says nothing."""

from harness import WORKLOADS, TraceTest, main, read_events, run

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
        # It has no board, only an entry on its parent's: that, our code, and our data.
        self.assertLess(more, 3, f"{bare} bare")

    def test_an_exec_is_cheap(self):
        bare, more = self.faults("exec")
        # After the fork, the library is loaded: four pages are of the board, the others of the
        # library's code and data, the loader's stack, and what it notes of one library more.
        self.assertLess(more, 20, f"{bare} bare")

    def test_a_first_wait_is_cheap(self):
        bare, more = self.faults("read")
        # Besides: its descriptor is described, and a stack is taken, by the tables of each library
        # on it; what is noted of these is on no page of its own.
        self.assertLess(more, 28, f"{bare} bare")

    def test_libraries_are_told_of_where_addresses_are(self):
        """A process that only ran has no stack: the recorder writes nothing that finds code."""
        trace = self.record_ok(CHILDREN, "exec", options=["--kernel=off"]).directory
        events = read_events(trace)
        processes = {e.fields["pid"] for e in events if e.name == "ctrace:process"}
        with_stacks = {e.fields["pid"] for e in events if e.name == "ctrace:stack"}
        with_modules = {e.fields["pid"] for e in events if e.name == "ctrace:module"}
        self.assertEqual(with_modules, with_stacks)
        self.assertTrue(processes - with_modules)


if __name__ == "__main__":
    main()
