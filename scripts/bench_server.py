"""A real server in a process of its own on a database that is there, and somebody signed in to it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seed_mentions import EMAIL
from sqlmodel import select

from api.access import COOKIE
from listener.access import Permission
from listener.store import api_keys, users
from listener.store.engine import Store
from listener.store.tables import UserAccount

SAYS_WHERE = "Escucha listens on "


@dataclass(frozen=True, slots=True)
class Server:
    """``url`` without a slash at its end; ``token``: of the session's cookie; ``key``: an API key with all scopes."""

    url: str
    pid: int
    token: str
    key: str

    @property
    def signed_in(self) -> dict[str, str]:
        """What a browser sends."""
        return {"Cookie": f"{COOKIE}={self.token}"}

    @property
    def with_key(self) -> dict[str, str]:
        """What a program sends."""
        return {"Authorization": f"Bearer {self.key}"}

    def resident(self) -> float:
        """The server's memory, MiB: with the pages of the database that SQLite holds, without what PostgreSQL does."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0


@contextmanager
def serving(database: str) -> Iterator[Server]:
    """``escucha serve`` on a database that was seeded. Exits, with what it said, where it does not come up."""
    with tempfile.TemporaryDirectory(prefix="escucha-bench-") as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ESCUCHA_")}
        # An empty one: what is listened for is in the database.
        config = Path(folder) / "escucha.yml"
        config.write_text("{}")
        settings = {"DATABASE_URL": database, "DATA_DIR": folder, "CONFIG": str(config)}
        environment |= {f"ESCUCHA_{name}": value for name, value in settings.items()}
        command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", "0"]
        log = Path(folder) / "log"
        with log.open("w") as said:
            process = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT)
        try:
            while SAYS_WHERE not in (words := log.read_text()):
                if process.poll() is not None:
                    sys.exit(f"the server ended at once:\n{words}")
                try:
                    process.wait(0.1)
                except subprocess.TimeoutExpired:
                    continue
            url = words.partition(SAYS_WHERE)[2].split()[0]
            token, key = _let_in(database)
            yield Server(url.rstrip("/"), process.pid, token, key)
        finally:
            process.terminate()
            process.wait(20)


def _let_in(database: str) -> tuple[str, str]:
    store, now = Store(database), datetime.now(UTC)
    try:
        with store.transaction() as session:
            user = session.exec(select(UserAccount).where(UserAccount.email == EMAIL)).first()
            if user is None or user.id is None:
                sys.exit(f"{store.url.database} was not filled by scripts/seed_mentions.py")
            _, key = api_keys.make_key(session, "bench", tuple(Permission), "bench", now)
            return users.open_session(session, user.id, "bench", now), key
    finally:
        store.close()
