"""What the chDB suite shares: the one session that a process can have, and its rows as tuples.

SPDX-License-Identifier: PostgreSQL
"""

import json

from chdb import session

import icecat_client as client


class Refused(Exception):
    """What ClickHouse said."""


class Lake:
    def __init__(self, folder):
        self.session = session.Session(str(folder))
        self.run(
            "SET allow_database_iceberg = 1",
            "SET allow_insert_into_iceberg = 1",
            f"CREATE DATABASE lake ENGINE = DataLakeCatalog('{client.URL}/v1')"
            f" SETTINGS catalog_type = 'rest', warehouse = '{client.WAREHOUSE}', vended_credentials = false",
        )

    def rows(self, statement):
        try:
            answer = str(self.session.query(statement, "JSONCompactEachRow"))
        except Exception as error:  # noqa: BLE001 - chDB raises many kinds
            raise Refused(str(error)) from None
        return [tuple(json.loads(line)) for line in answer.splitlines()]

    def run(self, *statements):
        for statement in statements:
            self.rows(statement)
