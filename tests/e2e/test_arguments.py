"""Bad pointers: a call gives the recorded program what it gives to one that is not recorded."""

import pathlib

from harness import WORKLOADS, TraceTest, main, run

ARGUMENTS = WORKLOADS / "arguments"

# What the preload exports besides hooks.
NO_HOOKS = {"__asan_default_options", "__lsan_default_options", "__lsan_default_suppressions"}


class Arguments(TraceTest):
    def test_every_bad_pointer_gives_the_same_error_or_signal(self):
        alone = run(ARGUMENTS, timeout=200)
        self.assertEqual(alone.status, 0, alone)
        recorded = self.record_ok(ARGUMENTS, timeout=400)
        self.assertGreater(len(alone.out.splitlines()), 1000)
        differences = [
            f"{before}; recorded {after.rsplit(': ', 1)[1]}"
            for before, after in zip(alone.out.splitlines(), recorded.out.splitlines())
            if before != after
        ]
        told = "\n".join(line for line in recorded.err.splitlines() if line.startswith("stuck: "))
        self.assertEqual(differences, [], told)
        self.assertEqual(len(alone.out.splitlines()), len(recorded.out.splitlines()))

    def test_every_hook_is_in_the_table(self):
        libraries = self.record_ok("sh", "-c", "echo $LD_PRELOAD").out.strip()
        preload = pathlib.Path(libraries.split(":")[0])
        symbols = run("nm", "--dynamic", "--defined-only", preload)
        self.assertEqual(symbols.status, 0, symbols)
        hooks = {
            line.split()[2].partition("@")[0]  # of whatever version
            for line in symbols.out.splitlines()
            if line.split()[1] == "T" and not line.split()[2].startswith("ct_heap_")
        }
        self.assertIn("read", hooks)
        tested = set(run(ARGUMENTS, "names").out.split())
        self.assertEqual(hooks - tested - NO_HOOKS, set(), "not in arguments_table.h")


if __name__ == "__main__":
    main()
