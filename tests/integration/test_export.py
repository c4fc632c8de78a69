"""`celeriac export`: what comes out is taken by what it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightkube.codecs

from lab.server import celeriac

READING = {"get", "list", "watch"}


def exported(*args: str) -> dict[str, Any]:
    """The objects by their kind, as the real client reads them."""
    found = lightkube.codecs.load_all_yaml(celeriac("export", "kubernetes-role", *args).out)
    return {type(one).__name__: one for one in found}


def test_the_role_reads_one_namespace_and_changes_nothing() -> None:
    found = exported("--namespace", "shop")
    assert set(found) == {"ServiceAccount", "Role", "RoleBinding"}
    assert {one.metadata.namespace for one in found.values()} == {"shop"}
    rules = found["Role"].rules
    assert {name for rule in rules for name in rule.resources} == {"pods", "events", "replicasets", "deployments"}
    assert all(set(rule.verbs) <= READING for rule in rules)
    assert found["RoleBinding"].subjects[0].name == found["ServiceAccount"].metadata.name


def test_the_nodes_are_read_only_where_asked_for() -> None:
    found = exported("--nodes")
    assert [(rule.resources, rule.verbs) for rule in found["ClusterRole"].rules] == [(["nodes"], ["get", "list"])]
    assert found["ClusterRoleBinding"].roleRef.name == found["ClusterRole"].metadata.name


def test_a_file_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    written = celeriac("export", "kubernetes-role", "--to", str(tmp_path / "deploy"))
    (file,) = (tmp_path / "deploy").iterdir()
    assert (written.code, written.out) == (0, "")
    assert file.read_text(encoding="utf-8") == celeriac("export", "kubernetes-role").out
    (tmp_path / "file").touch()
    refused = celeriac("export", "kubernetes-role", "--to", str(tmp_path / "file" / "x"))
    assert (refused.code, len(refused.err.splitlines())) == (1, 1)


def test_a_name_that_no_namespace_can_have_is_refused() -> None:
    refused = celeriac("export", "kubernetes-role", "--namespace", "a\nkind: ClusterRole")
    assert (refused.code, refused.out) == (2, "")
    assert "no name of a namespace" in refused.err
