"""Loads random days in random order and builds incrementally. The marts must equal those of a full refresh.

    python checks/incremental_equals_full_refresh.py [--seed 1] [--sequences 10]

Run it in the dbt folder with the Python that has dbt. Each sequence is a few small drops (late ones, undated ones, empty ones, complete
ones, repeated records, rejected records, vanished lists) over a tiny world, so that everything collides. After each build, the core facts are compared with a second
implementation of the rules, in plain Python below; after the last one, every table is compared with `dbt run --full-refresh`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import os
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import duckdb

# A record of an input file, with the date on which it arrived.
Record = dict[str, Any]
# The keys of rejected records, each with its drop.
Rejected = Sequence[tuple[tuple[int, ...], tuple[dt.date, int]]]
T = TypeVar("T")

EPOCH = 1_700_000_000_000
HOUR, DAY = 3_600_000, 86_400_000
# The raw tables as `meetup load` creates them.
RAW = Path(__file__).parents[2] / "data" / "schemas" / "raw.duckdb.sql"
# Digests of their own, which nobody reads but the models that are made again by them.
UNCOMPARED = ["int_group_states", "int_event_states", "int_day_states"]


class Dbt:
    """dbt in this process, which parses the project only once."""

    def __init__(self) -> None:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        self.runner, self.close = dbtRunner, DuckDBConnectionManager.close_all_connections
        parsed = self.runner().invoke(["parse", "--profiles-dir", "../profiles", "-q"])
        if not parsed.success:
            sys.exit(f"dbt cannot parse the project: {parsed.exception}")
        self.manifest: Any = parsed.result

    def run(self, *flags: str) -> None:
        command = ["run", "--profiles-dir", "../profiles", "-q", "--no-write-json", *flags]
        outcome = self.runner(manifest=self.manifest).invoke(command)
        self.close()
        if not outcome.success:
            results: Any = outcome.result or []
            failed = [(r.node.name, r.message) for r in results if r.status != "success"]
            sys.exit(f"dbt failed: {outcome.exception or failed}")


class World:
    """The drops so far, both as rows of the raw tables and as input of the second implementation."""

    def __init__(self, path: str, rng: random.Random) -> None:
        self.path, self.rng = path, rng
        self.events: list[Record] = []
        self.users: list[Record] = []
        # The newest drop of a group, and when the group was created.
        self.groups: dict[int, tuple[tuple[dt.date, int], int]] = {}
        # The drops that were complete, by entity, each with the moment from which what it lacks is gone.
        self.complete: dict[str, dict[tuple[dt.date, int], dt.datetime]] = {"events": {}, "users": {}, "groups": {}}
        # The keys of rejected records, each with its drop.
        self.rejected: list[tuple[tuple[int, ...], tuple[dt.date, int]]] = []
        self.batch = 0
        with duckdb.connect(path) as db:
            db.execute(RAW.read_text(encoding="utf-8"))

    def drop(self) -> None:
        """Adds a drop for one of five days, often older than one that was loaded before."""
        rng, self.batch = self.rng, self.batch + 1
        undated = self.batch == 1 and rng.random() < 0.5
        # Between the starts of events, so that some are over when the next drop shows another one.
        on = dt.date(1970, 1, 1) if undated else dt.date(2023, 11, rng.randint(14, 19))
        with duckdb.connect(self.path) as db:
            loaded = dt.datetime(2026, 2, self.batch)
            folder = "." if undated else str(on)
            db.execute(
                "insert into raw.batches values (?, ?, ?, ?, ?)", [f"b{self.batch}", self.batch, on, folder, loaded]
            )
            for entity, drops in self.complete.items():
                is_complete = rng.random() < 0.4
                if is_complete:
                    drops[on, self.batch] = loaded if undated else dt.datetime.combine(on, dt.time())
                db.execute(
                    "insert into raw.loaded_files values (?, ?, '', '', 0, 0, 0, 0, ?)",
                    [f"b{self.batch}", entity, is_complete or rng.choice([False, None])],
                )
            for index in range(rng.choice([0, 0, 1, 3])):
                self._reject(db, on, index)
            for index in range(0 if rng.random() < 0.15 else rng.randint(1, 8)):
                event = self._event()
                file = "events-2.json" if rng.random() < 0.05 else "events.json"
                row = [
                    event[k]
                    for k in ("group_id", "name", "no", "created", "time", "no", "no", "venue_id", "status", "rsvps")
                ]
                self._insert(db, "events", row, on, file, index)
                self.events.append(event | {"order": (on, self.batch, index, file)})
            for index in range(0 if rng.random() < 0.2 else rng.randint(1, 4)):
                user = self._user()
                self._insert(
                    db, "users", [user["user_id"], "Gent", "be", None, user["memberships"]], on, "users.json", index
                )
                self.users.append(user | {"order": (on, self.batch, index, "users.json")})
            if rng.random() < 0.6:
                group, created = rng.randint(1, 3), EPOCH + rng.randint(0, 8) * HOUR
                topics = rng.choice([None, [], ["A", "b"], ["a"]])
                self._insert(
                    db, "groups", [group, "G", None, None, None, created, None, None, topics], on, "groups.json", 0
                )
                self.groups[group] = max(self.groups.get(group, ((dt.date.min, 0), 0)), ((on, self.batch), created))

    def _insert(
        self, db: duckdb.DuckDBPyConnection, table: str, row: Sequence[Any], on: dt.date, file: str, index: int
    ) -> None:
        values = [*row, f"b{self.batch}", self.batch, on, file, index, dt.datetime(2026, 2, self.batch)]
        db.execute(f"insert into raw.{table} values ({', '.join('?' * len(values))})", values)

    def _reject(self, db: duckdb.DuckDBPyConnection, on: dt.date, index: int) -> None:
        """Adds a rejected user or event."""
        event, user = self._event(), self._user()
        of_event = self.rng.random() < 0.5
        names = ("group_id", "created", "time") if of_event else ("user_id",)
        record = {name: (event if of_event else user)[name] for name in names}
        self.rejected.append((tuple(record.values()), (on, self.batch)))
        entity = "events" if of_event else "users"
        row = [f"r{self.batch}-{index}", entity, ["/name is missing"], json.dumps(record), None]
        self._insert(db, "rejected_records", row, on, f"{entity}.json", 100 + index)

    def gone_at(self, entity: str, seen: Iterable[tuple[dt.date, int]]) -> dt.datetime | None:
        """When a record vanished that was seen in these drops."""
        last = max(seen)
        return next((moment for drop, moment in sorted(self.complete[entity].items()) if drop > last), None)

    def _event(self) -> Record:
        rng = self.rng
        return {
            "group_id": rng.randint(1, 3),
            "name": f"event {rng.randint(1, 2)}",
            "created": EPOCH + rng.randint(0, 1) * 1000,
            "time": EPOCH + rng.randint(1, 4) * DAY,
            "status": rng.choice(["past", "cancelled", "draft", None]),
            "venue_id": rng.choice([None, 1, 2, 9]),
            "rsvps": self._list(self._rsvp, 6),
            "no": None,
        }

    def _rsvp(self) -> Record:
        rng = self.rng
        response, guests = rng.choice(["yes", "no", "waitlist"]), rng.choice([None, 0, 1, 3])
        return {
            "user_id": rng.randint(1, 5),
            "when": EPOCH + rng.randint(0, 6) * HOUR,
            "response": response,
            "guests": guests,
        }

    def _user(self) -> Record:
        return {"user_id": self.rng.randint(1, 4), "memberships": self._list(self._membership, 5)}

    def _membership(self) -> Record:
        return {"joined": EPOCH + self.rng.randint(0, 9) * 1000, "group_id": self.rng.randint(1, 4)}

    def _list(self, item: Callable[[], T], longest: int) -> list[T] | None:
        return (
            self.rng.choice([None, []])
            if self.rng.random() < 0.25
            else [item() for _ in range(self.rng.randint(1, longest))]
        )


def key(*parts: object) -> str:
    return hashlib.md5("|".join(map(str, parts)).encode()).hexdigest()


def recurring_from(starts: Mapping[tuple[dt.date, int], set[int]]) -> tuple[dt.date, int]:
    """The first drop that shows two starts, or another start than the drop before it when that start was over."""
    before: int | None = None
    for drop, times in starts.items():
        if len(times) > 1:
            return drop
        (time,) = times
        is_over = before is not None and dt.datetime(1970, 1, 1) + dt.timedelta(
            milliseconds=before
        ) < dt.datetime.combine(drop[0], dt.time())
        if is_over and time != before:
            return drop
        before = time
    return dt.date.max, 0


def latest_events(records: Iterable[Record], rejected: Rejected) -> dict[str, Record]:
    """The latest record of each event, by event_key."""
    series: defaultdict[tuple[int, int], list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda r: r["order"]):
        series[record["group_id"], record["created"]].append(record)
    latest: dict[str, Record] = {}
    for (group, created), versions in series.items():
        starts: defaultdict[tuple[dt.date, int], set[int]] = defaultdict(set)
        for version in versions:
            starts[version["order"][:2]].add(version["time"])
        recurs_from = recurring_from(starts)
        recurs = recurs_from[0] < dt.date.max
        single = [v["time"] for v in versions if v["order"][:2] < recurs_from]
        for version in versions:
            start = version["time"]
            if single and (version["order"][:2] < recurs_from or start == single[-1]):
                event_key = key(group, created, single[0])
            elif single and start == single[0]:
                event_key = key(group, created, start, "reused")
            else:
                event_key = key(group, created, start)
            older = latest.get(event_key)
            seen = (older or {"seen": []})["seen"] + [version["order"][:2]]
            seen += [
                drop
                for reject, drop in rejected
                if reject[:2] == (group, created) and len(reject) == 3 and (reject[2] == start or not recurs)
            ]
            version |= {"seen": seen}
            if version["rsvps"] is None and older is not None:
                # A missing list is unknown, not empty.
                latest[event_key] = version | {"rsvps": older["rsvps"], "told_by": older["told_by"]}
            else:
                latest[event_key] = version | {"told_by": version["order"]}
    return latest


def latest_answers(events: Mapping[str, Record]) -> dict[tuple[str, int], tuple[Any, ...]]:
    answers = {}
    for event_key, event in events.items():
        last: dict[int, Record] = {}
        for answer in event["rsvps"] or []:
            if answer["user_id"] not in last or answer["when"] >= last[answer["user_id"]]["when"]:
                last[answer["user_id"]] = answer
        for user, answer in last.items():
            guests = answer["guests"] or 0
            seats = 0 if answer["response"] == "no" else 1 + guests
            answers[event_key, user] = (answer["response"], guests, seats, answer["when"], event["told_by"][1])
    return answers


def latest_memberships(records: Iterable[Record]) -> dict[tuple[int, int], tuple[int, int]]:
    told = [record for record in sorted(records, key=lambda r: r["order"]) if record["memberships"] is not None]
    users = {record["user_id"]: record for record in told}
    joined: dict[tuple[int, int], tuple[int, int]] = {}
    for user, record in users.items():
        for item in record["memberships"] or []:
            pair = item["group_id"], user
            joined[pair] = (min(item["joined"], joined.get(pair, (item["joined"],))[0]), record["order"][1])
    return joined


def is_held(event: Record, gone_at: dt.datetime | None, as_of: int) -> bool:
    starts_at = dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=event["time"])
    is_there = gone_at is None or starts_at < gone_at
    return bool(event["time"] < as_of and event["status"] not in ("cancelled", "draft") and is_there)


def expected_events(
    world: World, events: Mapping[str, Record], answers: Mapping[tuple[str, int], tuple[Any, ...]], as_of: int
) -> dict[str, tuple[Any, ...]]:
    def count(event_key: str, response: str, measure: Callable[[tuple[Any, ...]], int]) -> int:
        return sum(measure(a) for (k, _), a in answers.items() if k == event_key and a[0] == response)

    gone = {k: world.gone_at("events", e["seen"]) for k, e in events.items()}
    return {
        k: (
            e["group_id"], e["name"], e["status"], e["venue_id"], e["time"],
            count(k, "yes", lambda a: 1), count(k, "yes", lambda a: a[2]), count(k, "no", lambda a: 1),
            count(k, "waitlist", lambda a: 1), count(k, "waitlist", lambda a: a[2]),
            is_held(e, gone[k], as_of), gone[k] is not None, gone[k],
        )
        for k, e in events.items()
    }  # fmt: skip


def sightings(world: World) -> Mapping[int, list[tuple[dt.date, int]]]:
    """The drops in which each known user occurs, also in rejected records."""
    seen: defaultdict[int, list[tuple[dt.date, int]]] = defaultdict(list)
    for user in world.users:
        seen[user["user_id"]].append(user["order"][:2])
    for reject, drop in world.rejected:
        if len(reject) == 1 and reject[0] in seen:
            seen[reject[0]].append(drop)
    return seen


def check_facts(world: World, where: str) -> None:
    """Compares the marts with the second implementation."""
    events, joined = latest_events(world.events, world.rejected), latest_memberships(world.users)
    answers = latest_answers(events)
    moments = [e["created"] for e in events.values()] + [a[3] for a in answers.values()]
    moments += [j[0] for j in joined.values()] + [g[1] for g in world.groups.values()]
    known_users = {user["user_id"] for user in world.users}
    used_users = known_users | {user for _, user in answers} | {user for _, user in joined}
    gone_groups = {g: world.gone_at("groups", [drop]) for g, (drop, _) in world.groups.items()}
    gone_users = {u: world.gone_at("users", drops) for u, drops in sightings(world).items()}
    used_groups = {e["group_id"] for e in events.values()} | {group for group, _ in joined} | set(world.groups)
    expected = {
        "select event_key, user_id, response, guests, seats, epoch_ms(responded_at), _batch_seq from marts.fct_rsvps":
            [(*pair, *answer) for pair, answer in answers.items()],
        "select group_id, user_id, epoch_ms(joined_at), _batch_seq from marts.fct_memberships":
            [(*pair, *join) for pair, join in joined.items()],
        "select event_key, group_id, event_name, status, venue_id, epoch_ms(starts_at), yes_count, yes_seats, no_count, waitlist_count, "
        "waitlist_seats, is_held, is_gone, gone_at from marts.fct_events":
            [(k, *e) for k, e in expected_events(world, events, answers, max(moments, default=0)).items()],
        "select group_id, is_unknown, gone_at from marts.dim_groups":
            [(g, g not in world.groups, gone_groups.get(g)) for g in used_groups],
        "select user_id, is_unknown, gone_at from marts.dim_members":
            [(u, u not in known_users, gone_users.get(u)) for u in used_users],
    }  # fmt: skip
    with duckdb.connect(world.path, read_only=True) as db:
        for query, rows in expected.items():
            found = db.execute(query).fetchall()
            if sorted(map(repr, found)) != sorted(map(repr, rows)):
                sys.exit(
                    f"{where}: {query}\n  only in the mart: {set(found) - set(rows)}\n  only expected: {set(rows) - set(found)}"
                )


def contents(path: str) -> dict[str, list[str]]:
    with duckdb.connect(path, read_only=True) as db:
        names = db.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where schema_name in ('marts', 'intermediate') "
            "and not ends_with(table_name, '__seen') and not list_contains(?, table_name)",
            [UNCOMPARED],
        ).fetchall()
        return {table: sorted(map(repr, db.execute(f"select * from {table}").fetchall())) for (table,) in names}


def check_sequence(dbt: Dbt, path: str, seed: int) -> int:
    rng = random.Random(seed)
    world = World(path, rng)
    builds, last = 0, rng.randint(3, 6)
    for number in range(1, last + 1):
        world.drop()
        # Sometimes, several drops arrive before the next build.
        if number in (1, last) or rng.random() < 0.8:
            dbt.run()
            builds += 1
            check_facts(world, f"seed {seed}, after drop {number}")
    incremental = contents(path)
    dbt.run("--full-refresh")
    different = [table for table, rows in contents(path).items() if rows != incremental[table]]
    if different:
        sys.exit(f"seed {seed}: a full refresh makes other {', '.join(different)}")
    return builds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sequences", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "meetup.duckdb")
        os.environ |= {
            "MEETUP_DUCKDB_PATH": path,
            "DBT_TARGET_PATH": folder,
            "DBT_LOG_PATH": folder,
            "DO_NOT_TRACK": "1",
        }
        dbt, builds = Dbt(), 0
        for seed in range(options.seed, options.seed + options.sequences):
            builds += check_sequence(dbt, path, seed)
            os.remove(path)
            print(f"seed {seed}: the same", flush=True)
    print(
        f"{options.sequences} sequences, {builds} builds: incremental equals a full refresh and the second implementation"
    )


if __name__ == "__main__":
    main()
