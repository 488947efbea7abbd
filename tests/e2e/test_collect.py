"""ctrace serve --every: what is collected round the clock, thinned out, and read by ctrace trend."""

import contextlib
import os
import sqlite3
import time

from harness import TIMEOUT_S, go_pprof, main, wait_until
from test_serve import Agent, ServeTest


class Collect(ServeTest):
    def collecting(self, *options):
        """An agent that collects into profiles of what it starts, which waits for other threads, and ends."""
        self.profiles = self.folder / "profiles"
        return Agent(self, f"--dir={self.profiles}", "--every=1s", "--for=0.2s", *options)

    def whole(self, suffix=""):
        return sorted(path for path in self.profiles.glob("2*") if path.name[15:] == suffix)

    def rows(self, sql):
        with contextlib.closing(sqlite3.connect(self.profiles / "index.sqlite", timeout=TIMEOUT_S)) as database:
            return database.execute(sql).fetchall()

    def test_profiles_of_each_second_and_a_restart(self):
        server = self.start_served()
        agent = self.collecting("--profiles=cpu,sync,sleep", "-p", str(server.pid))
        self.need_waits(agent)
        wait_until(lambda: len(self.whole()) >= 2, "profiles are collected twice")
        self.assertEqual(agent.end()[0], 0)
        self.assertEqual(list(self.profiles.glob(".*")), [])
        for folder in self.whole():
            self.assertEqual(sorted(path.name for path in folder.iterdir()),
                             ["cpu.pb.gz", "sleep.pb.gz", "sync.pb.gz"])
        result = go_pprof("-top", str(self.whole()[0] / "cpu.pb.gz"))
        self.assertEqual(result.status, 0, result)
        known = self.rows("SELECT DISTINCT folder FROM profiles ORDER BY folder")
        self.assertEqual([row[0] for row in known], [folder.name for folder in self.whole()])

        before = len(self.whole())
        time.sleep(3)
        agent = self.collecting("--profiles=cpu,sync,sleep", "-p", str(server.pid))
        wait_until(lambda: len(self.whole()) > before, "profiles are collected again")
        agent.end()
        self.assertEqual(self.rows("SELECT count(*) FROM gaps WHERE why = 'the agent did not run' "
                                   "AND kind = '' AND until_s - from_s >= 2"), [(1,)])

    def test_a_program_that_is_not_there_is_a_gap(self):
        agent = self.collecting("-p", "ctrace_no_such_program")
        wait_until(lambda: (self.profiles / "index.sqlite").exists() and
                   self.rows("SELECT max(until_s - from_s) FROM gaps WHERE why LIKE '%no such process%'")[0][0],
                   "a gap grows")
        self.assertEqual(self.rows("SELECT count(*) FROM gaps"), [(1,)])
        _, said = agent.end()
        self.assertEqual(said.count("no profiles are collected"), 1, said)
        self.assertEqual(self.whole(), [])

    def test_a_folder_has_one_agent(self):
        self.collecting("-p", str(os.getpid()))
        result = self.ctrace("serve", f"--dir={self.profiles}", "--every=1s", "--for=0.2s", "--listen=127.0.0.1:0", "-p", str(os.getpid()))
        self.assertEqual(result.status, 1, result)
        self.assertIn("another agent collects into", result.err)

    def test_what_makes_no_sense_is_refused(self):
        for options, words in ((("--for=1s",), "add --every"), (("--every=1",), "is no time"), (("--every=1ms",), "from 1s"),
                               (("--every=1s", "--for=2s"), "longer than --every"),
                               (("--every=1m", "--max=1"), "is no size"), (("--every=1m", "--keep=x"), "is no time"),
                               (("--every=1m", "--profiles=cpu,none"), "there is no "none", but allocs, block"),
                               (("--every=1m", "--profiles="), 'there is no ""'),
                               (("--every=1m", "--profiles=heap"), "takes --heap")):
            result = self.ctrace("serve", *options, "-p", "1")
            self.assertEqual(result.status, 2, (options, result))
            self.assertIn(words, result.err, options)


if __name__ == "__main__":
    main()
