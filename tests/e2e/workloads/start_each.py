"""Starts a program in many ways: start_each.py PROGRAM NAME, which PATH leads to as well."""

import os
import subprocess
import sys

program, name = sys.argv[1:]


def run_child(execute):
    child = os.fork()
    if child == 0:
        try:
            execute()
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def wait_for(child):
    assert os.waitpid(child, 0)[1] == 0


wait_for(os.posix_spawn(program, [program], os.environ))
wait_for(os.posix_spawnp(name, [name], os.environ))
run_child(lambda: os.execv(program, [program]))
run_child(lambda: os.execvp(name, [name]))
run_child(lambda: os.execve(os.open(program, os.O_RDONLY), [program], os.environ))
subprocess.run([program], check=True)
subprocess.run([program], check=True, preexec_fn=lambda: None)
subprocess.run([name], check=True, env={"PATH": os.environ["PATH"]})
