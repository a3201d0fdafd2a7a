"""A psql that stays, for the benchmarks that measure one server process."""
# SPDX-License-Identifier: PostgreSQL
import subprocess


class Session:
    """Connected as PG* say. Columns are separated by a blank."""

    def __init__(self, psql="psql"):
        self.process = subprocess.Popen([psql, "-X", "-q", "-A", "-t", "-F", " ", "-v", "ON_ERROR_STOP=1"], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.pid = int(self.ask("SELECT pg_backend_pid();"))

    def ask(self, script):
        """What a script prints. An error ends it, and is raised with its text."""
        self.process.stdin.write(script + "\n\\echo <end>\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line == "<end>\n":
                return "".join(lines).strip()
            lines.append(line)
        raise RuntimeError("".join(lines))

    def close(self):
        self.process.stdin.close()
        self.process.wait()
