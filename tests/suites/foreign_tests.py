"""Test suites that come with programs: CPython's, and the stressors of stress-ng."""

import re
import xml.etree.ElementTree

PYTHON = "/usr/bin/python3"

CPYTHON = """threading thread socket select selectors asyncio subprocess multiprocessing_fork
    multiprocessing_spawn signal os posix io fork1 ssl""".split()

# Tests of virtual machine sockets wait for a host that may not be there, alone as well.
CPYTHON_IGNORED = ["*VSOCK*"]

STRESSORS = """pthread mutex futex sem sem-sysv switch pipe pipeherd sock sockpair sockmany udp
    msg mq flock lockf fcntl eventfd timer timerfd nanosleep signal sigpending sigq sigsuspend sigfd
    sigrt poll epoll fork vfork clone exec wait daemon vm mmap aio io-uring dnotify inotify fifo
    tee splice sendfile zombie schedpolicy yield hrtimers itimer kill membarrier""".split()


def cpython(module):
    def suite(runner, cases=()):
        report = runner.folder.parent / "report.xml"
        words = [PYTHON, "-m", "test", f"test_{module}", "--junit-xml", report]
        words += ["--tempdir", runner.folder, "--timeout", 1500]
        for pattern in CPYTHON_IGNORED:
            words += ["--ignore", pattern]
        for case in cases:
            words += ["--match", case]
        result = runner.run(*words, timeout=1800)
        verdicts = {}
        if report.exists():
            for case in xml.etree.ElementTree.parse(report).iter("testcase"):
                verdicts[case.get("name")] = verdict_of(case)
        if not cases:
            verdicts["status"] = result.returncode
        return verdicts

    return suite


def verdict_of(case):
    """regrtest marks what was not run, or failed, by an element inside the case."""
    for kind in ("error", "failure", "skipped"):
        if case.find(kind) is not None:
            return kind
    return case.get("result", "passed")


def stressor(name):
    def suite(runner):
        words = ["stress-ng", f"--{name}", 2, "--timeout", "2s", "--verify", "--temp-path"]
        result = runner.run(*words, runner.folder, "--oomable", timeout=120)
        said = re.findall(r"stress-ng: (?:fail|error|warn): .*|.*skip.*", result.stdout + result.stderr)
        complaints = sorted({re.sub(r"\d+", "N", line) for line in said})
        return {"status": result.returncode, "complaints": "; ".join(complaints)}

    return suite


SUITES = {f"cpython-{name}": (cpython(name), True) for name in CPYTHON}
SUITES.update({f"stress-{name}": (stressor(name), False) for name in STRESSORS})
