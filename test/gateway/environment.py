"""What every test of the gateway gets: the database, the binary, and a gateway that they share.

SPDX-License-Identifier: PostgreSQL
"""
import os
import shutil
import tempfile

from harness import Gateway
from postgres import Postgres

HERE = os.path.dirname(os.path.abspath(__file__))


class Mock(Postgres):
    """PostgreSQL with the mock of the SQL contract."""

    def __init__(self, pg_config, folder):
        super().__init__(pg_config, folder, "tester", ["fsync = off", "max_connections = 60"])
        with open(os.path.join(HERE, "mock.sql")) as script:
            self.sql(script.read())

    def effects(self, name):
        """How often something happened to that name, as seen by everybody."""
        return int(self.sql(f"SELECT count(*) FROM icecat.effect WHERE name = '{name}'"))


class Environment:
    """A PostgreSQL with the mock of the SQL contract, in a temporary folder, and a gateway in front of it."""

    def __init__(self, binary, pg_config):
        self.binary = os.path.abspath(binary)
        self.pg_config = pg_config
        self.root = tempfile.mkdtemp(prefix="icecat-gw-")
        os.chmod(self.root, 0o755)
        database = os.path.join(self.root, "pg")
        os.mkdir(database)
        self.pg = None
        self._gateway = None
        try:
            self.pg = Mock(pg_config, database)
            self.pg.sql("CREATE ROLE reader; GRANT USAGE ON SCHEMA icecat TO reader;"
                        " GRANT SELECT ON icecat.answer, icecat.version, icecat.file_of TO reader")
        except BaseException:
            self.close()
            raise

    @property
    def gateway(self):
        if self._gateway is None or self._gateway.process.poll() is not None:
            self._gateway = Gateway(self.binary, self.pg.dsn, self.root)
        return self._gateway

    def restore_mock(self):
        """Puts icecat.act back as mock.sql has it."""
        with open(os.path.join(HERE, "mock.sql")) as script:
            text = script.read()
        start = text.index("CREATE FUNCTION icecat.act")
        end = text.index("END $$;", start) + len("END $$;")
        self.pg.sql(text[start:end].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))

    def close(self):
        try:
            if self._gateway is not None:
                self._gateway.stop()
        finally:
            if self.pg is not None:
                self.pg.stop("immediate")
            shutil.rmtree(self.root, ignore_errors=True)
