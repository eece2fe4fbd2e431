"""dbt writes what it compiles, and what it runs, into `target/` for every node. In the loop only what failed is read."""

import dbt.contracts.graph.nodes as nodes


class LateFiles:
    """While it is `on`, texts are kept with their nodes; `flush` writes those of a node that somebody will look at."""

    def __init__(self):
        self.on = False
        self._write = None

    def install(self):
        if self._write is not None:
            return
        self._write = write = nodes.ParsedNode.write_node

        def keep(node, project_root, path, text):
            node.late_files = {**getattr(node, "late_files", {}), path: (project_root, text)}
            if not self.on:
                write(node, project_root, path, text)

        nodes.ParsedNode.write_node = keep

    def flush(self, node):
        """Writes what was kept."""
        if self.on:
            for path, (project_root, text) in getattr(node, "late_files", {}).items():
                self._write(node, project_root, path, text)

    @staticmethod
    def statement_of(node):
        """The statement that the node last ran, as dbt would have written it to `target/run`."""
        _, text = getattr(node, "late_files", {}).get(getattr(node, "build_path", None), (None, None))
        return text


files = LateFiles()
