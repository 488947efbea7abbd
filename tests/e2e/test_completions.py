"""What bash, zsh and fish offer while a command line of ctrace's is typed."""

import os
import pathlib
import pty
import re
import shlex
import shutil
import threading
import time
import unittest

from harness import CTRACE, TIMEOUT_S, TraceTest, main, run

HERE = pathlib.Path(__file__).resolve()
SOURCES = ":".join(f"{HERE.parents[2]}/tracer/completions/{name}" for name in ("ctrace.bash", "_ctrace", "ctrace.fish"))
BASH, ZSH, FISH = os.environ.get("CTRACE_COMPLETIONS", SOURCES).split(":")
BIN = pathlib.Path(CTRACE).parent

# Names that help has for a value of which there is a list.
LISTED = {"FORMAT", "KIND", "SECTION", "CLASS", "OPERATION"}

# What bash does where somebody presses TAB; bash splits the words itself.
BASH_PROGRAM = r"""
compopt() { :; }
source "$1"
registered=$(complete -p ctrace) && [ "$registered" = "complete -F _ctrace ctrace" ] || exit 1
IFS= read -r -d '' COMP_LINE
COMP_POINT=${#COMP_LINE}
IFS= mapfile -d '' -t COMP_WORDS
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_ctrace
printf '%s\n' "${COMPREPLY[@]}"
"""

# Notes in a file what is offered, instead of drawing it.
ZSH_PROGRAM = r"""
PS1=
fpath=(%(folder)s $fpath)
path=(%(bin)s $path)
autoload -U compinit
compinit -u -D
compadd() {
  local -a hits
  if [[ "${@[1,(i)(-|--)]}" == *-[OAD]\ * ]] { builtin compadd "$@"; return }
  builtin compadd -A hits "$@"
  (($#hits)) && print -rl -- $IPREFIX${^hits} >>%(hits)s
  builtin compadd "$@"
}
bindkey '^I' list-choices
note() { print -r -- "$1" >>%(hits)s }
zle -N end-of-answer
end-of-answer() { note "== end"; zle send-break }
bindkey '^O' end-of-answer
note "== end"
"""


def bash_words(line):
    """As readline takes a line apart, which is what COMP_WORDS holds."""
    words = []
    for word in line.split(" "):
        words += [part for part in re.split(r"([=:]+)", word) if part] or [""]
    return words


def ask_bash(lines):
    answers = {}
    for line in lines:
        feed = "\0".join([line, *bash_words(line)]) + "\0"
        path = pathlib.Path("feed")
        path.write_text(feed)
        with open(path, "rb") as stdin:
            result = run("bash", "--norc", "-c", BASH_PROGRAM, "bash", BASH, stdin=stdin,
                         env=dict(os.environ, PATH=f"{BIN}:{os.environ['PATH']}"))
        assert result.status == 0 and result.err == "", result
        # What bash is given is the end of its last word: what comes before stays.
        last = line.split(" ")[-1]
        begin = last if re.search(r"[=:]$", last) else re.sub(r"[^=:]*$", "", last)
        answers[line] = {begin + word for word in result.out.split("\n") if word}
    return answers


def ask_fish(lines):
    program = f"source {shlex.quote(FISH)}\n" + "".join(
        f"echo '== begin'; complete -C {shlex.quote(line)}\n" for line in lines)
    result = run("fish", "--no-config", "-c", program,
                 env=dict(os.environ, PATH=f"{BIN}:{os.environ['PATH']}"))
    assert result.status == 0 and result.err == "", result
    parts = result.out.split("== begin\n")[1:]
    return {line: {row.split("\t")[0] for row in part.split("\n") if row} for line, part in zip(lines, parts)}


class Zsh:
    """An interactive shell, at whose terminal we sit."""

    def __init__(self, folder):
        self.hits = folder / "hits"
        self.hits.write_text("")
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe("zsh", ["zsh", "-f", "-i"], dict(os.environ, TERM="dumb", COLUMNS="1000", LINES="1000"))
        threading.Thread(target=self.drain, daemon=True).start()
        setup = folder / "setup.zsh"
        setup.write_text(ZSH_PROGRAM % {"folder": pathlib.Path(ZSH).parent, "bin": BIN, "hits": self.hits})
        self.type(f"source {setup}\n")

    def drain(self):
        try:
            while os.read(self.terminal, 65536):
                pass
        except OSError:
            pass

    def type(self, text):
        """Types it, and waits until the shell has said that it is done."""
        os.write(self.terminal, text.encode())
        end = time.monotonic() + TIMEOUT_S
        while not self.hits.read_text().endswith("== end\n"):
            assert time.monotonic() < end, "zsh does not answer"
            time.sleep(0.01)
        said = self.hits.read_text().split("\n")[:-2]
        self.hits.write_text("")
        return set(said)

    def ask(self, line):
        return self.type(f"{line}\t\x0f")

    def close(self):
        os.write(self.terminal, b"\x15exit\n")
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def ask_zsh(lines):
    zsh = Zsh(pathlib.Path.cwd())
    try:
        return {line: zsh.ask(line) for line in lines}
    finally:
        zsh.close()


SHELLS = {"bash": ask_bash, "zsh": ask_zsh, "fish": ask_fish}


class Completions(TraceTest):
    def setUp(self):
        super().setUp()
        for shell in SHELLS:
            if not shutil.which(shell):
                self.skipTest(f"{shell} is not installed: see tests/install-packages.sh")
        self.before = os.getcwd()
        os.chdir(self.folder)

    def tearDown(self):
        os.chdir(self.before)
        super().tearDown()

    def commands(self):
        """As the front door lists them."""
        text = self.ctrace("help").out.split("Commands:\n")[1].split("\n\n")[0]
        return [line.split()[0] for line in text.split("\n")]

    def options(self, command):
        """{option: the name of its value, or None}, as the command's help has them."""
        found = {}
        for line in self.ctrace(command, "--help").out.splitlines():
            match = re.match(r"  (?:(-\w), )?(--[\w-]+)(?:=(\S+))?(?:  |$)", line)
            if match:
                found[match[2]] = match[3]
                if match[1]:
                    found[match[1]] = match[3]
        return found

    @staticmethod
    def with_value(name, value):
        if value is None:
            return [name]
        return [f"{name}=1"] if name.startswith("--") else [name, "1"]

    def ask_all(self, lines):
        """{line: what is offered}, in which the shells agree, but for how they mark folders and quote spaces."""
        answers = {
            shell: {line: {word.rstrip("/").replace("\\ ", " ") for word in words} for line, words in ask(lines).items()}
            for shell, ask in SHELLS.items()
        }
        for line in lines:
            for shell in SHELLS:
                self.assertEqual(answers[shell][line], answers["bash"][line], (shell, line))
        return answers["bash"]

    def test_every_command_is_offered(self):
        commands = set(self.commands())
        answers = self.ask_all(["ctrace ", "ctrace re", "ctrace help "])
        self.assertEqual(answers["ctrace "], commands | {"--help", "--version"})
        self.assertEqual(answers["ctrace re"], {name for name in commands if name.startswith("re")})
        self.assertEqual(answers["ctrace help "], commands - {"help"})

    def test_every_option_of_every_command_is_offered_and_no_other(self):
        for command in set(self.commands()) - {"help"}:
            with self.subTest(command):
                options = self.options(command)
                line = f"ctrace {command} -"
                answers = self.ask_all([line])[line]
                self.assertEqual(
                    answers, {name + ("=" if value and name.startswith("--") else "") for name, value in options.items()})
                self.assertIn("--version", answers)
                for name, value in options.items():
                    result = self.ctrace(command, *self.with_value(name, value), "--help")
                    self.assertEqual(result.status, 0, (name, result))

    def test_values_are_offered_where_a_table_has_them(self):
        lines = {}
        for command in set(self.commands()) - {"help"}:
            for name, value in self.options(command).items():
                if value and name.startswith("--") and (re.match("[A-Z]*", value)[0] in LISTED or "a" <= value[0] <= "z"):
                    lines[f"ctrace {command} {name}="] = value
        self.assertGreaterEqual(len(lines), 12)
        answers = self.ask_all(list(lines))
        for line, value in lines.items():
            with self.subTest(line):
                self.assertGreater(len(answers[line]), 1)
                if "|" in value:
                    self.assertEqual({word.split("=")[1] for word in answers[line]}, {word for word in value.split("|") if word.islower()})
        text = self.ctrace("report", "--help").out
        sections = set(re.split(r", | and ", re.search(r"SECTION, of (.*),\n", text)[1]))
        answers = self.ask_all(["ctrace report ", "ctrace report --class=net,sy", "ctrace report -f ", "ctrace report lo"])
        self.assertLessEqual(sections, answers["ctrace report "])
        self.assertEqual(answers["ctrace report --class=net,sy"], {"--class=net,sync", "--class=net,syscall"})
        self.assertEqual(answers["ctrace report -f "], {"text", "json", "csv"})
        self.assertEqual(answers["ctrace report lo"], {"locks"})

    def test_what_is_offered_is_accepted(self):
        trace = self.record_ok("true", output="data").directory
        for command in ("report", "export"):
            for word in self.ask_all([f"ctrace {command} --format="])[f"ctrace {command} --format="]:
                result = self.ctrace(command, word, "-o" if command == "export" else "--all",
                                     *(["out.html"] if command == "export" else []), trace)
                self.assertEqual(result.status, 0, result)
        for option in ("--kernel", "--kernel-source", "--keep"):
            for word in self.ask_all([f"ctrace record {option}="])[f"ctrace record {option}="]:
                result = self.ctrace("record", word, "--max-size=100M", "-o", "tried", "--", "true")
                self.assertNotIn("give ", result.err)
                self.assertEqual(result.status, 0, result)
        kinds = self.ask_all(["ctrace pprof "])["ctrace pprof "] - {"data"}
        self.assertLessEqual({"net", "sync", "syscall", "sleep"}, kinds)
        nonsense = self.ctrace("pprof", "nonsense", trace, "-o", "p.pb.gz")
        self.assertIn("no profile is called", nonsense.err)
        for kind in kinds:
            result = self.ctrace("pprof", kind, trace, "-o", "p.pb.gz")
            self.assertNotIn("no profile is called", result.err)

    def test_a_timeline_offers_its_orders_and_themes(self):
        lines = {"ctrace timeline --sort=": {"start", "activity", "name", "time"},
                 "ctrace timeline --theme=": {"light", "dark"}}
        for line, words in self.ask_all(list(lines)).items():
            option = line.split()[-1]
            self.assertEqual({word.removeprefix(option) for word in words}, lines[line], line)

    def test_recordings_files_and_programs_are_offered(self):
        self.record_ok("true", output="first.data")
        (self.folder / "runs").mkdir()
        self.record_ok("true", output="runs/second.data")
        (self.folder / "notes").write_text("")
        answers = self.ask_all(["ctrace verify ", "ctrace verify runs/", "ctrace verify ru", "ctrace export -o no",
                                "ctrace export --output=no", "ctrace timeline --threads=64 fi"])
        self.assertEqual(answers["ctrace verify "], {"first.data"})
        self.assertEqual(answers["ctrace verify runs/"], {"runs/second.data"})
        self.assertEqual(answers["ctrace verify ru"], {"runs"})
        self.assertEqual(answers["ctrace export -o no"], {"notes"})
        self.assertEqual(answers["ctrace export --output=no"], {"--output=notes"})
        self.assertEqual(answers["ctrace timeline --threads=64 fi"], {"first.data"})
        for shell, ask in SHELLS.items():
            lines = ["ctrace record falloca", "ctrace record --kernel=off -o x -- falloca", "ctrace record --cpu falloca"]
            for line, words in ask(lines).items():
                self.assertIn("fallocate", words, (shell, line))

    def test_running_programs_are_offered(self):
        name = pathlib.Path("/proc/self/comm").read_text().strip()
        for shell, ask in SHELLS.items():
            for line, words in ask(["ctrace record -p ", "ctrace record --pid="]).items():
                bare = {word.removeprefix("--pid=") for word in words}
                self.assertIn(name, bare, (shell, line))
                self.assertIn(str(os.getpid()), bare, (shell, line))


if __name__ == "__main__":
    main()
