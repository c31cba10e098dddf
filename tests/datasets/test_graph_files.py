"""Sets of graphs in the TU format, whole and damaged; the tests write them."""

import pytest
import torch

from isotropy.datasets import tu_graphs
from isotropy.errors import DataError

GOOD = {
    "A": "1, 2\n2, 1\n4, 5\n5, 4\n5, 6\n6, 5\n",
    "graph_indicator": "1\n1\n1\n2\n2\n2\n",
    "graph_labels": "-1\n1\n",
    "node_labels": "0\n0\n3\n3\n0\n3\n",
    "node_attributes": "0.5\n1\n2\n3\n4\n5\n",
}


def write(tmp_path, **changes):
    folder = tmp_path / "SET"
    folder.mkdir()
    for part, text in {**GOOD, **changes}.items():
        if text is not None:
            (folder / f"SET_{part}.txt").write_text(text)
    return folder


def test_a_set_comes_back_as_written(tmp_path):
    found = tu_graphs(write(tmp_path))
    assert found.labels.tolist() == [0, 1]
    assert found.classes == ("-1", "1")
    first, second = found.graphs
    assert (first.num_nodes, second.num_nodes) == (3, 3)
    assert first.adjacency().tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]  # the third node is isolated
    assert second.adjacency().tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    assert torch.equal(second.x, torch.tensor([[3.0, 0, 1], [4, 1, 0], [5, 0, 1]]))


def test_features_may_be_missing(tmp_path):
    found = tu_graphs(write(tmp_path, node_labels=None, node_attributes=None))
    assert found.graphs[0].x is None


DAMAGED = {
    "no edges file": ({"A": None}, "SET_A.txt: expected an existing file"),
    "words": ({"A": "1, 2\n2, x\n"}, "received '2, x' in line 2"),
    "one column": ({"A": "1, 2\n2\n"}, "expected 2 numbers in each line, received 1 in line 2"),
    "node beyond": ({"A": "1, 7\n"}, "between nodes 1 to 6, received 1 to 7"),
    "node zero": ({"A": "0, 1\n"}, "received 0 to 1"),
    "edge between graphs": ({"A": "1, 2\n3, 4\n"}, "between two in line 2"),
    "graphs out of order": ({"graph_indicator": "1\n2\n1\n2\n2\n2\n"}, "out of order"),
    "a graph without nodes": ({"graph_indicator": "1\n1\n1\n3\n3\n3\n"}, "graph by graph"),
    "labels missing": ({"graph_labels": "1\n"}, r"from 1 to 1 \(the labels\), received graphs 1 to 2"),
    "few node labels": ({"node_labels": "1\n2\n"}, "expected 6 node_labels, received 2"),
    "empty": ({"graph_labels": ""}, "received an empty file"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_set_is_refused(tmp_path, name):
    changes, message = DAMAGED[name]
    with pytest.raises(DataError, match=message):
        tu_graphs(write(tmp_path, **changes))
