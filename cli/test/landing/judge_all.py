"""Judges the records of many schemas: a line of JSON with rules and texts in, a line with the reasons for each text out."""

import json
import sys

from meetup_landing.judge import Judge
from meetup_landing.values import NotJson


def reasons_of(judge: Judge, text: str) -> list[str]:
    try:
        return judge.reasons_of(text)
    except NotJson as error:
        return [f"not JSON: {error}"]


def main() -> int:
    for line in sys.stdin:
        case = json.loads(line, parse_int=float)
        judge = Judge(case["rules"])
        print(json.dumps([reasons_of(judge, text) for text in case["texts"]]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
