"""`celeriac export kubernetes-role`: what the agent needs to be allowed to read, as YAML."""

from __future__ import annotations

import re
from pathlib import Path

import click

NAME = "celeriac-agent"
FILE = f"{NAME}-role.yaml"
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

_ACCOUNT = """\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  namespace: {namespace}
"""
_ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {name}
  namespace: {namespace}
rules:
  - apiGroups: [""]
    resources: ["pods", "events"]
    verbs: ["get", "list", "watch"]
  - apiGroups: ["apps"]
    resources: ["replicasets", "deployments"]
    verbs: ["get", "list", "watch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {name}
  namespace: {namespace}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {name}
subjects:
  - kind: ServiceAccount
    name: {name}
    namespace: {namespace}
"""
_NODES = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {name}-nodes
rules:
  - apiGroups: [""]
    resources: ["nodes"]
    verbs: ["get", "list"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {name}-nodes
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {name}-nodes
subjects:
  - kind: ServiceAccount
    name: {name}
    namespace: {namespace}
"""


@click.command("kubernetes-role", epilog="Example:  celeriac export kubernetes-role --namespace shop --to deploy/")
@click.option("--namespace", default="default", show_default=True, metavar="NAME", help="Where the workers' pods are.")
@click.option("--nodes", is_flag=True, help="Also a ClusterRole that may read the cluster's nodes.")
@click.option("--to", "directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
              help=f"Write {FILE} into DIR instead of printing it.")  # fmt: skip
def kubernetes_role(namespace: str, nodes: bool, directory: Path | None) -> None:
    """A service account that may read pods, events and rollouts of one namespace, and change nothing."""
    if not _NAMESPACE.fullmatch(namespace):
        raise click.BadParameter(f"{namespace!r} is no name of a namespace", param_hint="'--namespace'")
    parts = (_ACCOUNT, _ROLE, *((_NODES,) if nodes else ()))
    text = "---\n".join(parts).format(name=NAME, namespace=namespace)
    if directory is None:
        click.echo(text, nl=False)
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / FILE).write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{directory / FILE} cannot be written: {error.strerror}") from error
    click.echo(f"{directory / FILE}: read it, then kubectl apply -f it", err=True)
