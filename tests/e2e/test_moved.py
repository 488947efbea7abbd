"""A recording's folder that is moved or removed while it is written."""

import os
import pathlib
import shutil
import signal

from harness import WORKLOADS, TraceTest, main, recorder_of, wait_until

ENDINGS = WORKLOADS / "endings"


class Folder(TraceTest):
    def start_waiting(self, **options):
        """A program that waits until there is a file `end`; it has waited once when this returns."""
        script = f"""{ENDINGS} sleep 20; touch begun
        while [ ! -e end ]; do sleep 0.05; done"""
        recorder = self.start_record("sh", "-c", script, **options)
        wait_until((self.folder / "begun").exists, "the program ran")
        return recorder

    def end(self, recorder):
        (self.folder / "end").touch()
        err = recorder.stderr.read()  # a part of which may have come with a line that was read
        recorder.wait(timeout=60)
        return err

    def test_one_that_is_moved_is_named_by_where_it_is(self):
        recorder = self.start_waiting()
        moved = self.folder / "elsewhere" / "renamed"
        moved.parent.mkdir()
        (self.folder / "trace").rename(moved)
        err = self.end(recorder)
        self.assertEqual(recorder.returncode, 0, err)
        self.assertIn("nothing lost", err)
        self.assertIn(f"wrote {moved} (", err)
        self.assertIn(f"where somebody moved it from {self.folder}/trace", err)
        self.assertFalse((self.folder / "trace").exists())
        self.assertEqual(self.ctrace("verify", moved).status, 0)
        self.assertTrue(self.waits(moved, op="nanosleep"))

    def test_another_folder_of_its_name_gets_nothing(self):
        recorder = self.start_waiting()
        (self.folder / "trace").rename(self.folder / "moved")
        (self.folder / "trace").mkdir()
        err = self.end(recorder)
        self.assertIn(f"wrote {self.folder}/moved (", err)
        self.assertEqual(list((self.folder / "trace").iterdir()), [])
        self.assertEqual(self.ctrace("verify", "moved").status, 0)

    def test_a_link_to_it_is_still_its_name(self):
        (self.folder / "real").mkdir()
        (self.folder / "link").symlink_to("real")
        recorder = self.start_waiting(output=pathlib.Path("link") / "trace")
        err = self.end(recorder)
        self.assertIn(f"wrote {self.folder}/link/trace (", err)
        self.assertNotIn("moved", err)

    def test_one_that_is_moved_and_whose_recorder_is_killed_is_recovered(self):
        recorder = self.start_waiting()
        (self.folder / "trace").rename(self.folder / "moved")
        place = pathlib.Path("/dev/shm")

        def is_known():
            return any(
                str(self.folder / "moved").encode() in control.read_bytes()
                for control in place.glob("ctrace*/control")
            )

        wait_until(is_known, "the recorder had seen it")
        os.kill(recorder_of(recorder), signal.SIGKILL)
        self.end(recorder)
        result = self.ctrace("recover", "moved")
        self.assertEqual(result.status, 0, result)
        self.assertTrue(self.waits(self.folder / "moved", op="nanosleep"))

    def test_one_that_is_removed_is_an_error(self):
        for again in (False, True):
            with self.subTest(another_of_that_name=again):
                recorder = self.start_waiting()
                shutil.rmtree(self.folder / "trace")
                if again:
                    (self.folder / "trace").mkdir()
                said = recorder.stderr.readline()
                self.assertRegex(said, "the recording ends, and the program goes on: .*was removed")
                err = self.end(recorder)
                self.assertEqual(recorder.returncode, 125, err)
                self.assertRegex(err, f"there is no recording: somebody removed {self.folder}/trace")
                self.assertNotIn("wrote", err)
                self.assertEqual((self.folder / "trace").exists(), again)
                if again:
                    self.assertEqual(list((self.folder / "trace").iterdir()), [])
                for name in ("begun", "end"):
                    (self.folder / name).unlink()
                shutil.rmtree(self.folder / "trace", ignore_errors=True)


if __name__ == "__main__":
    main()
