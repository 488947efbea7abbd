"""ctrace serve --push: what is collected goes to whoever stores profiles, and nobody there holds the agent up."""

import base64
import calendar
import json
import os
import subprocess
import threading
import time
import urllib.parse

from harness import CTRACE, TIMEOUT_S, WORKLOADS, main, wait_until
from test_push import Receiver
from test_serve import ServeTest, free_port

PROGRAM = WORKLOADS / "served"
# Seldom enough that what is sent keeps up on a busy machine, too.
EVERY = ("--every=2s", "--for=0.2s", "--profiles=sync,block")


class Pushing(ServeTest):
    def start_agent(self, *options, collect=EVERY, program=("--", PROGRAM)):
        """One that collects and sends profiles of what it starts, which goes on until its input ends."""
        self.profiles, self.said = self.folder / "profiles", self.folder / "said"
        with self.said.open("w") as said:
            agent = subprocess.Popen(
                [CTRACE, "serve", "--listen=127.0.0.1:0", "--no-token", f"--dir={self.profiles}", *collect, *options, *map(str, program)],
                cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, env=dict(os.environ, TZ="UTC"))

        def end():
            if agent.poll() is None:
                agent.kill()
            agent.wait(TIMEOUT_S)
            agent.stdin.close()

        self.addCleanup(end)
        return agent

    def end(self, agent):
        """What it has said, once its program has ended."""
        agent.stdin.close()
        self.assertEqual(agent.wait(TIMEOUT_S), 0, self.said.read_text())
        return self.said.read_text()

    def collected(self):
        """All profiles, the oldest first: {bytes: when its folder says that it began}."""
        return {path.read_bytes(): calendar.timegm(time.strptime(path.parent.name, "%Y%m%d_%H%M%S"))
                for path in sorted(self.profiles.glob("2*/*.pb.gz"))}

    def rounds(self):
        return len(list(self.profiles.glob("2*")))

    def test_what_is_collected_arrives_with_its_name_and_time(self):
        pyroscope, parca = Receiver(self), Receiver(self)
        agent = self.start_agent(f"--push=pyroscope:{pyroscope.address}", f"--push=parca:{parca.address}", "--push-label=env=prod",
                                 "--push-label=zone=a b")
        wait_until(lambda: len(pyroscope.requests) >= 4 and len(parca.requests) >= 4, "two times' profiles are sent")
        said = self.end(agent)
        self.assertNotIn("were not sent", said)
        collected = self.collected()
        self.assertEqual(len(collected), len(list(self.profiles.glob("2*/*.pb.gz"))))

        raw = []
        for where, _, body, _ in parca.requests:
            series, = json.loads(body)["series"]
            labels = {label["name"]: label["value"] for label in series["labels"]["labels"]}
            self.assertEqual((labels["job"], labels["env"], labels["zone"]), ("served", "prod", "a b"))
            raw.append(base64.b64decode(series["samples"][0]["rawProfile"], validate=True))
        # All of them, in their order; none twice.
        self.assertEqual(raw, list(collected))

        self.assertEqual(len(pyroscope.requests), len(collected))
        for (where, headers, body, _), began_s in zip(pyroscope.requests, collected.values()):
            query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(where).query, strict_parsing=True))
            self.assertEqual(query["name"], "served{env=prod,zone=a b}")
            # Its folder is called by when it was asked for; what was recorded began after that.
            self.assertLessEqual(began_s, int(query["from"]))
            self.assertLess(int(query["from"]), began_s + TIMEOUT_S)
            self.assertGreaterEqual(int(query["until"]), int(query["from"]))

    def test_what_waits_at_the_end_is_sent(self):
        def answer(number):
            time.sleep(1.5 if number == 1 else 0)
            return 200, {}

        receiver = Receiver(self, answer)
        agent = self.start_agent(f"--push=parca:{receiver.address}")
        wait_until(lambda: receiver.requests, "the first is being sent")
        said = self.end(agent)
        self.assertNotIn("were not sent", said)
        self.assertEqual(len(receiver.requests), len(self.collected()))
        self.assertGreaterEqual(len(receiver.requests), 2)

    def test_nobody_there_costs_a_message(self):
        agent = self.start_agent(f"--push=parca:http://127.0.0.1:{free_port()}")
        wait_until(lambda: self.rounds() >= 2, "profiles are collected all the same")
        wait_until(lambda: "trying again" in self.said.read_text(), "it is said")
        said = self.end(agent)
        told = [line for line in said.splitlines() if "parca:" in line]
        self.assertRegex(told[0], "ctrace serve: parca:http://127.0.0.1:.*refused; trying again")
        count = len(list(self.profiles.glob("2*/*.pb.gz")))
        self.assertRegex(told[1], f"{count} of {count} profiles were not sent to parca:")
        self.assertEqual(len(told), 2, said)

    def test_one_that_hangs_holds_nobody_up(self):
        is_over = threading.Event()
        self.addCleanup(is_over.set)
        hanging, parca = Receiver(self, lambda number: lambda connection: is_over.wait(TIMEOUT_S)), Receiver(self)
        agent = self.start_agent(f"--push=pyroscope:{hanging.address}", f"--push=parca:{parca.address}")
        wait_until(lambda: self.rounds() >= 2 and len(parca.requests) >= 4, "the other one gets what is collected")
        self.assertEqual(len(hanging.requests), 1)
        said = self.end(agent)
        self.assertEqual(len(parca.requests), len(self.collected()))
        count = len(self.collected())
        self.assertIn(f"{count} of {count} profiles were not sent to pyroscope:", said)
        self.assertNotIn("not sent to parca:", said)

    def test_what_could_not_be_taken_then_is_sent_later(self):
        receiver = Receiver(self, lambda number: (503, {}) if number <= 3 else (200, {}))
        agent = self.start_agent(f"--push=parca:{receiver.address}", "--push-name=shop")
        wait_until(lambda: "are sent to" in self.said.read_text(), "it goes well again")
        said = self.end(agent)
        self.assertRegex(said, "it answers 503 .*; trying again\n.*profiles are sent to parca:.* again; 0 were not")
        self.assertNotIn("were not sent", said)
        self.assertEqual(len(receiver.requests) - 3, len(self.collected()))
        labels = json.loads(receiver.requests[-1][2])["series"][0]["labels"]["labels"]
        self.assertIn({"name": "job", "value": "shop"}, labels)

    def test_a_process_that_runs_already_is_called_by_its_name(self):
        receiver = Receiver(self)
        server = self.start_served()
        agent = self.start_agent(f"--push=parca:{receiver.address}", collect=("--every=1s", "--for=0.2s", "--profiles=cpu"),
                                 program=("-p", server.pid))
        wait_until(lambda: receiver.requests or "no cpu profiles are collected" in self.said.read_text(), "a profile is sent")
        if not receiver.requests and os.geteuid() != 0:
            self.skipTest(self.said.read_text())
        labels = json.loads(receiver.requests[0][2])["series"][0]["labels"]["labels"]
        self.assertIn({"name": "job", "value": "served"}, labels)
        agent.terminate()
        self.assertEqual(agent.wait(TIMEOUT_S), 0)

    def test_what_makes_no_sense_is_refused(self):
        target = "--push=parca:http://127.0.0.1:1"
        for options, words in (((target,), "add --every=60s"), (("--push-name=x",), "go with --push"),
                               (("--push-label=a=b",), "go with --push"), (("--every=1m", "--push=127.0.0.1"), "begins with pyroscope:"),
                               (("--every=1m", "--push=parca:http://me:pass@host"), "could be read by others"),
                               (("--every=1m", target, "--push-label=prod"), "is no label"),
                               (("--every=1m", target, "--push-name=a{b}"), "is no name")):
            result = self.ctrace("serve", *options, "-p", "1")
            self.assertEqual(result.status, 2, (options, result))
            self.assertIn(words, result.err, options)

    def test_a_unit_sends_them_too(self):
        options = ["--push=parca:http://a:7070", "--push=otlp:http://b:4318", "--push-name=shop", "--push-label=env=prod"]
        result = self.ctrace("serve", "--every=60s", *options, "--unit", "-p", "redis-server")
        self.assertEqual(result.status, 0, result)
        self.assertIn(" ".join(options), result.out)


if __name__ == "__main__":
    main()
