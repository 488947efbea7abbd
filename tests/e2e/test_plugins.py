"""Libraries that come and go: what waits in one is not given to another that stood there before."""

import collections
import shutil

from harness import WORKLOADS, TraceTest, main, read_events

HOST = WORKLOADS / "plugins"
FIRST = WORKLOADS / "libplugin_first.so"
SECOND = WORKLOADS / "libplugin_second.so"
FIRST_NS, SECOND_NS = 300_000, 100_000

# More than it takes until a thread knows its stacks again.
TURNS = 600


def actions(*words):
    return [str(word) for word in words]


def period(path, how, turns):
    return actions("load", path, how, turns, "close")


class Plugins(TraceTest):
    def waits_of(self, result):
        """How many waits each plug-in's functions have, by the profile, in whole stacks only."""
        counts = collections.Counter()
        for sample in self.profile("sleep", result.directory).samples:
            functions = [name for name in sample.stack if name.startswith(("first", "second"))]
            if functions:
                self.assertEqual(len(functions), 1, sample)
                root = sample.stack[-4:]
                self.assertTrue("main" in root or "other" in sample.stack, sample)
                counts[functions[0]] += sample.count
        return counts

    def record_plugins(self, *words, **options):
        result = self.record_ok(HOST, *words, options=["--rate=0"], **options)
        if len(set(result.out.split())) > 1:
            self.skipTest("the loader has put each plug-in elsewhere")
        return result

    def test_each_wait_is_its_own_plugins(self):
        for how in ("run", "other"):
            with self.subTest(how=how):
                result = self.record_plugins(
                    *period(FIRST, how, TURNS), *period(SECOND, how, TURNS),
                    *period(FIRST, how, 7), *period(SECOND, how, 9), output=how,
                )  # fmt: skip
                self.assertEqual(
                    self.waits_of(result),
                    {"first_waits": TURNS + 7, "second_waits": TURNS + 9,
                     "first_ends": 2, "second_ends": 2},
                )  # fmt: skip

    def test_a_plugin_that_comes_back_is_the_same(self):
        result = self.record_plugins(*period(FIRST, "run", 20), *period(FIRST, "run", 30))
        self.assertEqual(self.waits_of(result), {"first_waits": 50, "first_ends": 2})
        events = read_events(result.directory)
        paths = [e.fields["path"] for e in events if e.name == "ctrace:module"]
        self.assertEqual(paths.count(str(FIRST)), 1)

    def test_many_plugins_in_turn_lose_nothing(self):
        words = [word for _ in range(40) for path in (FIRST, SECOND) for word in period(path, "run", 1)]
        result = self.record_plugins(*words)
        self.assertEqual(
            self.waits_of(result),
            {"first_waits": 40, "second_waits": 40, "first_ends": 40, "second_ends": 40},
        )

    def test_a_relative_path_is_found_wherever_one_reads(self):
        home, elsewhere = self.folder / "home", self.folder / "elsewhere"
        for folder in (home, elsewhere):
            folder.mkdir()
        shutil.copy(FIRST, home / "plugin one.so")
        for words in (["run", 5], ["chdir", elsewhere, "run", 5],
                      ["unlink", "./plugin one.so", "chdir", elsewhere, "run", 5]):  # fmt: skip
            with self.subTest(words=words):
                name = str(words[0])
                result = self.record_ok(
                    HOST, *actions("load", "./plugin one.so", *words),
                    options=["--rate=0"], output=name, cwd=home,
                )  # fmt: skip
                # What was deleted is named all the same; its names are those of its build.
                shutil.copy(FIRST, home / "plugin one.so")
                paths = {e.fields["path"] for e in read_events(result.directory)
                         if e.name == "ctrace:module"}  # fmt: skip
                self.assertIn(str(home / "plugin one.so"), paths)
                self.assertEqual(self.waits_of(result)["first_waits"], 5)


if __name__ == "__main__":
    main()
