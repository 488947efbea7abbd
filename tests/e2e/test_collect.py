"""ctrace serve --every: what is collected round the clock, thinned out, and read by ctrace trend."""

import contextlib
import gzip
import os
import pathlib
import shutil
import sqlite3
import time
import unittest

from harness import SMALL_FS, TIMEOUT_S, WORKLOADS, Profile, go_pprof, main, wait_until
from test_serve import Agent, ServeTest


def varint(data, position):
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position


def without_time(data):
    """A profile without its time_nanos, so that its folder's name is its time."""
    kept, position = b"", 0
    while position < len(data):
        begin = position
        key, position = varint(data, position)
        value, position = varint(data, position)
        position += value if key & 7 == 2 else 0
        kept += b"" if key >> 3 == 9 else data[begin:position]
    return kept


class Collect(ServeTest):
    def collecting(self, *options, place=None):
        """An agent that collects into profiles of what it starts, which waits for other threads, and ends."""
        self.profiles = pathlib.Path(place or self.folder) / "profiles"
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
        self.assertIn("in use, by another agent", result.err)

    def test_what_makes_no_sense_is_refused(self):
        for options, words in ((("--for=1s",), "add --every"), (("--every=1",), "is no time"), (("--every=1ms",), "from 1s"),
                               (("--every=1s", "--for=2s"), "longer than --every"),
                               (("--every=1m", "--max=1"), "is no size"), (("--every=1m", "--keep=x"), "is no time"),
                               (("--every=1m", "--profiles=cpu,none"), 'there is no "none", but allocs, block'),
                               (("--every=1m", "--profiles="), "names none"),
                               (("--every=1m", "--profiles=heap"), "takes --heap")):
            result = self.ctrace("serve", *options, "-p", "1")
            self.assertEqual(result.status, 2, (options, result))
            self.assertIn(words, result.err, options)

    def old(self, *days_ago):
        """The first profiles, as if they were collected so many days ago; the minutes of a time that begins at :10."""
        first = self.whole()[0]
        names = []
        for index, ago in enumerate(days_ago):
            day = time.strftime("%Y%m%d", time.localtime(time.time() - ago * 86400))
            names.append(f"{day}_03{10 + index:02}00")
            shutil.copytree(first, self.profiles / names[-1])
        return names

    def total(self, path):
        """How long all waits in a profile were, in nanoseconds."""
        result = go_pprof("-raw", str(path))
        self.assertEqual(result.status, 0, result)
        return Profile(result.out).delay_ns

    def test_old_ones_are_merged_and_older_ones_removed(self):
        server = self.start_served()
        agent = self.collecting("--profiles=cpu,sleep", "-p", str(server.pid))
        self.need_waits(agent)
        wait_until(self.whole, "profiles are collected")
        agent.end()
        names = self.old(2, 2, 2, 40)
        (self.profiles / names[1] / "cpu.pb.gz").unlink()
        total = self.total(self.whole()[0] / "sleep.pb.gz")
        self.assertGreater(total, 0)
        agent = self.collecting("--profiles=sleep", "-p", str(server.pid))
        wait_until(lambda: len(self.whole("_10min")) == 1, "they are merged")
        wait_until(lambda: not (self.profiles / names[0]).exists(), "what they were merged of goes")
        agent.end()
        merged = self.whole("_10min")[0]
        self.assertEqual(merged.name, names[0] + "_10min")
        self.assertEqual((merged / "merged.txt").read_text().split(), names[:3])
        self.assertEqual(self.total(merged / "sleep.pb.gz"), 3 * total)
        self.assertEqual([name for name in names if (self.profiles / name).exists()], [])
        self.assertEqual(self.rows(f"SELECT kind, level, until_s - from_s FROM profiles WHERE folder = '{merged.name}' ORDER BY kind"),
                         [("cpu", 600, 600), ("sleep", 600, 600)])

        # One of them is there again, as after a power failure; and one that came late.
        late = names[:1] + [names[0][:-4] + "1900"]
        for name in late:
            shutil.copytree(self.whole()[-1], self.profiles / name)
            shutil.copy(merged / "sleep.pb.gz", self.profiles / name / "sleep.pb.gz")
        agent = self.collecting("--profiles=sleep", "-p", str(server.pid))
        wait_until(lambda: not any((self.profiles / name).exists() for name in late), "they are merged, too")
        agent.end()
        self.assertEqual(self.total(merged / "sleep.pb.gz"), 6 * total)
        self.assertEqual((merged / "merged.txt").read_text().split(), names[:3] + late[1:])

    @unittest.skipUnless(SMALL_FS, "it takes root to mount a small file system")
    def test_a_disk_that_was_full_is_no_reason_to_merge_nothing_later(self):
        server = self.start_served()
        agent = self.collecting("--profiles=sleep", "-p", str(server.pid), place=SMALL_FS)
        self.addCleanup(shutil.rmtree, self.profiles)
        self.need_waits(agent)
        wait_until(self.whole, "profiles are collected")
        agent.end()
        self.old(2, 2)
        ballast = pathlib.Path(SMALL_FS) / "ballast"
        self.addCleanup(ballast.unlink, missing_ok=True)
        with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        agent = self.collecting("--profiles=sleep", "-p", str(server.pid), place=SMALL_FS)
        time.sleep(2.5)
        ballast.unlink()
        wait_until(lambda: self.whole("_10min"), "they are merged")
        _, said = agent.end()
        self.assertIn("is nearly full", said)
        self.assertNotIn("cannot be merged", said)

    def test_there_is_never_more_than_may_be(self):
        server = self.start_served()
        agent = self.collecting("--profiles=sleep", "-p", str(server.pid))
        self.need_waits(agent)
        wait_until(self.whole, "profiles are collected")
        agent.end()
        newest = self.whole()[-1]
        for name in self.old(3, 3, 3, 1):
            (self.profiles / name / "sleep.pb.gz").write_bytes(os.urandom(400_000))
        for minutes in range(2, 72):  # small ones take a block each, and one for their folder
            folder = self.profiles / time.strftime("%Y%m%d_%H%M00", time.localtime(time.time() - minutes * 60))
            folder.mkdir()
            for kind in ("cpu", "mutex", "sleep"):
                (folder / f"{kind}.pb.gz").write_bytes(b"no profile")
        agent = self.collecting("--max=1MB", "--profiles=sleep", "-p", str(server.pid))
        wait_until(lambda: self.whole()[-1] > newest, "profiles are collected")
        agent.end()
        taken = sum(path.stat().st_blocks * 512 for path in self.profiles.rglob("*"))
        self.assertLess(taken, 1_000_000)
        self.assertGreater(len(self.whole()), 0)

    def collect_burning(self, mode, count):
        """Profiles of a program that does nothing else, without the time that they were made at."""
        shell = self.start("/bin/sh", "-c", 'while :; do "$0" "$1"; done', WORKLOADS / "burn", mode)
        agent = self.collecting("--for=0.8s", "--profiles=cpu", "-p", str(shell.pid))
        self.need_kernel(agent)
        if os.geteuid() != 0:
            self.skipTest("only root is told of time in the kernel")
        before = len(self.whole())
        wait_until(lambda: len(self.whole()) >= before + count, "profiles are collected")
        agent.end()
        shell.kill()
        return [without_time(gzip.decompress((folder / "cpu.pb.gz").read_bytes())) for folder in self.whole()[before:]]

    def test_trend_finds_the_day_on_which_a_share_moved(self):
        calm, busy = self.collect_burning("kernel", 2), self.collect_burning("shares", 2)
        collected = [path.name for path in self.whole()]
        for name in collected:
            shutil.rmtree(self.profiles / name)
        for day in range(1, 8):
            for hour in range(6):
                folder = self.profiles / f"202601{day:02}_{hour * 4:02}0000{'_1h' if day < 3 else '_10min'}"
                folder.mkdir()
                choice = calm if day < 5 else busy
                (folder / "cpu.pb.gz").write_bytes(gzip.compress(choice[hour % len(choice)]))
                (folder / "merged.txt").write_text("what it was merged of\n")
        half = self.profiles / ".part-123456"
        half.mkdir()
        (half / "cpu.pb.gz").write_bytes(b"half of a prof")
        environment = dict(os.environ, LC_ALL="C.UTF-8")
        found = self.ctrace("trend", self.profiles, "--place=^heavy$", "--cum", "--between=2026-01-04,2026-01-05", env=environment)
        self.assertEqual(found.status, 0, found)
        self.assertRegex(found.out, r"heavy: +0\.0 % -> [4-9]\d\.\d %.*new since 2026-01-05")
        self.assertEqual(found.err, "")
        same = self.ctrace("trend", self.profiles, "--cum", "--between=2026-01-03,2026-01-04", "--fail-above=5", env=environment)
        self.assertEqual(same.status, 0, same)
        more = self.ctrace("trend", self.profiles, "--cum", "--between=2026-01-04,2026-01-05", "--fail-above=20", env=environment)
        self.assertEqual(more.status, 1, more)


if __name__ == "__main__":
    main()
