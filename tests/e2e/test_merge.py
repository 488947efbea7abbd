"""ctrace pprof --merge: several profiles as one, held against what go tool pprof makes of the same files."""

import shutil
import unittest

from harness import EXAMPLES, TraceTest, go_pprof, main, run

GO_PROGRAM = """package main

import (
	"os"
	"runtime"
	"runtime/pprof"
)

var kept [][]byte

func allocate(count int) {
	for i := 0; i < count; i++ {
		kept = append(kept, make([]byte, 1<<16))
	}
}

func main() {
	runtime.MemProfileRate = 1
	for _, name := range os.Args[1:] {
		allocate(100)
		file, _ := os.Create(name)
		pprof.WriteHeapProfile(file)
		file.Close()
	}
}
"""


def facts(path):
    """What a profile says, in whatever order it does."""
    result = go_pprof("-raw", path)
    assert result.status == 0, result
    return sorted(line.strip() for line in result.out.splitlines() if not line.startswith("Comment"))


@unittest.skipUnless(shutil.which("go"), "go is not installed: see tests/install-packages.sh")
class Merge(TraceTest):
    def merged_alike(self, files):
        ours, theirs = self.folder / "ours.pb.gz", self.folder / "theirs.pb.gz"
        result = self.ctrace("pprof", "--merge", *files, "-o", ours)
        self.assertEqual(result.status, 0, result)
        self.assertIn(f"{len(files)} profile", result.err)
        self.assertEqual(go_pprof("-proto", "-output", theirs, *files).status, 0)
        self.assertEqual(facts(ours), facts(theirs))
        return ours

    def test_profiles_of_ctrace(self):
        files = []
        for name in ("convoy", "convoy_cured"):
            trace = self.record_ok(EXAMPLES / name, output=name, options=["--cpu=500"]).directory
            for kind in ("sync", "cpu"):
                files.append(self.folder / f"{name}.{kind}.pb.gz")
                self.assertEqual(self.ctrace("pprof", kind, trace, "-o", files[-1]).status, 0)
        self.merged_alike(files[::2])
        self.merged_alike(files[1::2])
        result = self.ctrace("pprof", "--merge", *files, "-o", self.folder / "all.pb.gz")
        self.assert_refused(result, "of different things", status=1)
        self.assertFalse((self.folder / "all.pb.gz").exists())

    def test_profiles_of_go(self):
        (self.folder / "main.go").write_text(GO_PROGRAM)
        build = run("go", "build", "-o", "main", "main.go", cwd=self.folder, timeout=120)
        self.assertEqual(build.status, 0, build)
        files = [self.folder / f"{number}.pb.gz" for number in range(3)]
        self.assertEqual(run(self.folder / "main", *files).status, 0)
        merged = self.merged_alike(files)
        self.assertEqual(facts(self.merged_alike([merged])), facts(merged))

    def test_what_is_no_profile_is_refused(self):
        text = self.folder / "text"
        text.write_text("no profile\n")
        for words, about in (([text], "no profile of pprof's"), ([self.folder], "no plain file"),
                             ([self.folder / "nowhere"], "No such file")):
            with self.subTest(about):
                result = self.ctrace("pprof", "--merge", *words, "-o", self.folder / "out")
                self.assert_refused(result, about, status=1)
        for words in (["--merge"], ["--merge", "--thread=x", text]):
            self.assert_refused(self.ctrace("pprof", *words))


if __name__ == "__main__":
    main()
