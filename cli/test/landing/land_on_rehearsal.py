"""
Runs the landing task on a rehearsal.

    land_on_rehearsal.py PLAN VOLUMES CATALOG VOLUME KILL_AFTER

LANDING_CONNECTION says how to reach it. After KILL_AFTER statements that write, the process is gone; 0 lets it finish. Prints how
many there were.
"""

import json
import os
import re
import sys
from pathlib import Path

from databricks import sql
from land_files import now

from meetup_landing.errors import LandingError
from meetup_landing.land import Effects, Options, land
from meetup_landing.lease import Run
from meetup_landing.plan import read_plan

WRITES = re.compile(r"\s*(insert|delete|update|create|merge|alter)\b")


def main() -> int:
    plan, volumes, catalog, volume, kill_after = sys.argv[1:]
    writes = 0
    given = json.loads(os.environ["LANDING_CONNECTION"])
    connection = sql.connect(
        server_hostname=given["host"],
        http_path=given["httpPath"],
        access_token=given["token"],
        _port=given["port"],
        _tls_trusted_ca_file=given["caFile"],
        enable_telemetry=False,
        session_configuration={"timezone": "UTC"},
    )

    def run_sql(statement: str) -> list[tuple[object, ...]]:
        nonlocal writes
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        writes += WRITES.match(statement) is not None
        if writes == int(kill_after) and WRITES.match(statement):
            os._exit(9)
        return rows

    try:
        land(
            Options(read_plan(Path(plan)), catalog, volume, Run("test", "7", "1")),
            Effects(run_sql, Path(volumes), now, print),
        )
    except LandingError as error:
        print(f"refused: {error}")
    print(f"writes: {writes}")
    connection.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
