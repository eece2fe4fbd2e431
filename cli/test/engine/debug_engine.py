"""
Runs the engine under a debugger: `python cli/test/engine/debug_engine.py [STATE_DIR]`, with the toolchain's Python.

Like the engine of `dev --watch`, it announces itself in the state folder, so every `./meetup` command there sends its
work to this process until it ends. A client that hears nothing for 20 seconds, for example while you are at a
breakpoint, starts its own engine.
"""

import json
import os
import runpy
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SERVER = ROOT / "cli" / "src" / "engine" / "python"


def main() -> None:
    state = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".meetup").resolve()
    state.mkdir(parents=True, exist_ok=True)
    token = state / "engine.token"
    if not token.exists():
        token.touch(mode=0o600)
        token.write_text(secrets.token_hex(32), encoding="utf-8")
    socket = state / f"engine-{os.getpid()}-1.sock"
    announcement = state / "engine.json"
    os.environ.update(
        MEETUP_DUCKDB_PATH=str(state / "work" / "meetup.duckdb"),
        MEETUP_DBT_TARGET=str(state / "dbt-target"),
        MEETUP_DBT_LOGS=str(state / "logs"),
        DBT_SEND_ANONYMOUS_USAGE_STATS="false",
    )
    sys.path.insert(0, str(SERVER))
    from meetup_engine.protocol.wire import PROTOCOL

    # A client that connects before the socket is open starts its own engine.
    announcement.write_text(
        json.dumps({"socket": str(socket), "pid": os.getpid(), "protocol": PROTOCOL}), encoding="utf-8"
    )
    sys.argv = [str(SERVER / "main.py"), str(socket), str(token)]
    print(f"The engine listens at {socket}. Stop it from the debugger, or press Ctrl-D.", file=sys.stderr)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        announcement.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
