"""Answers a list of questions in one process, because MetricFlow takes seconds to import. argv: the folder of metricflow_sql.py."""

import json
import sys

sys.path.insert(0, sys.argv[1])
metricflow_sql = __import__("metricflow_sql")

json.dump([metricflow_sql.answer(question) for question in json.load(sys.stdin)], sys.stdout)
