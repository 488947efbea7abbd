"""Boards that their programs write over: the recorder goes on, and keeps what makes sense."""

import signal

from harness import WORKLOADS, TraceTest, main, read_events

TEXT_SIZE = 1024  # of a program's path on the board, with its end


class Overwritten(TraceTest):
    def record_overwritten(self, what, status=0):
        result = self.record(WORKLOADS / "overwritten", what)
        self.assertEqual((result.out, result.status), ("done\n", status), result)
        self.assertTrue(read_events(result.directory))
        return result

    def test_a_record_larger_than_any(self):
        self.record_overwritten("large")

    def test_texts_without_ends(self):
        result = self.record_overwritten("texts")
        paths = [
            event.fields["exe"]
            for event in read_events(result.directory)
            if event.name == "ctrace:process"
        ]
        self.assertEqual([len(path) < TEXT_SIZE for path in paths], [True])

    def test_a_file_cut_short(self):
        self.record_overwritten("short", status=128 + signal.SIGKILL)


if __name__ == "__main__":
    main()
