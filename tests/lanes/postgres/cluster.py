"""A private PostgreSQL cluster in a temporary folder, run with the installed server programs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg

_ACCOUNT = "postgres"  # the server programs refuse to run as root
# Nothing here has to outlive the machine.
_OPTIONS = "-c fsync=off -c full_page_writes=off -c shared_buffers=32MB -c max_connections=120 -c log_statement=none"


def programs() -> Path | None:
    """Return the folder of the newest server programs."""
    debian = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    elsewhere = shutil.which("initdb")
    return max(
        debian, key=lambda folder: int(folder.parent.name), default=Path(elsewhere).parent if elsewhere else None
    )


class Cluster:
    """One server on 127.0.0.1, from construction to `close`."""

    def __init__(self, *, options: str = "", initdb: str = "--encoding=UTF8 --locale=C.UTF-8") -> None:
        found = programs()
        assert found is not None, "PostgreSQL's server programs are not installed"
        self._programs = found
        self._options = f"{_OPTIONS} {options}"
        self.folder = Path(
            tempfile.mkdtemp(prefix="qa-postgres-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        )
        if os.getuid() == 0:
            shutil.chown(self.folder, _ACCOUNT, _ACCOUNT)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self._run("initdb", "--no-sync", "--auth=trust", "--username=qa", *initdb.split())
        self.start()
        self._made = 0
        self.template = "template0"

    def url(self, database: str) -> str:
        """Return the URL of a database, as `QA_DATABASE_URL` has it."""
        return f"postgresql://qa@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template0", encoding: str = "UTF8") -> str:
        """Create a database and return its name."""
        self._made += 1
        name = f"qa_{self._made}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING '{encoding}' LOCALE 'C' STRATEGY file_copy")
        return name

    def drop(self, name: str) -> None:
        """Drop a database, even if clients are connected."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside of any transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def dump(self, name: str) -> str:
        """Return a database's schema as pg_dump writes it."""
        return self._run("pg_dump", "--schema-only", self.url(name), data=False)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} {self._options}"
        self._run("pg_ctl", "start", "-w", "-t", "60", "-l", str(self.folder / "log"), "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server: `immediate` is like a crash."""
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    def close(self) -> None:
        """Stop the server and remove everything."""
        self.stop()
        shutil.rmtree(self.folder)

    def _run(self, program: str, *words: str, data: bool = True) -> str:
        command = [str(self._programs / program), *(["-D", str(self.folder / "data")] if data else []), *words]
        if os.getuid() == 0:
            command = ["setpriv", f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--clear-groups", *command]
        # Not a pipe: the server that pg_ctl starts would keep it open.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                command, stdout=output, stderr=subprocess.STDOUT, cwd=self.folder, timeout=90, check=False
            )
            output.seek(0)
            text = output.read()
        assert done.returncode == 0, f"{program}: {text}"
        return text
