"""What changed around a worker's pods: revisions of its Deployment, and the pressure its nodes are under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celeriac.evidence.pods import seconds
from celeriac.model.event import fingerprint
from celeriac.model.evidence import Evidence

if TYPE_CHECKING:
    from lightkube.models.apps_v1 import ReplicaSet
    from lightkube.models.core_v1 import Node

REVISION = "deployment.kubernetes.io/revision"
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")


def rollout(replica_set: ReplicaSet) -> Evidence | None:
    """The revision that this ReplicaSet is; None for one that no Deployment made."""
    meta, spec = replica_set.metadata, replica_set.spec
    owners = (meta.ownerReferences if meta else None) or []
    deployment = next((one for one in owners if one.kind == "Deployment"), None)
    made = seconds(meta.creationTimestamp) if meta else None
    if meta is None or deployment is None or made is None:
        return None
    revision = (meta.annotations or {}).get(REVISION, "1")
    pod = spec.template.spec if spec and spec.template else None
    images = tuple(one.image for one in (pod.containers if pod else None) or [] if one.image)
    return Evidence(
        id=fingerprint("rollout", deployment.uid, revision),
        at=made,
        source="kubernetes",
        what="rollout",
        host="cluster",
        fact=f"deployment {deployment.name} was rolled out: revision {revision}, {', '.join(images) or 'no image'}",
        how=f"kubectl -n {meta.namespace} rollout history deployment/{deployment.name}",
        data={
            "namespace": meta.namespace,
            "workload": f"deployment/{deployment.name}",
            "revision": revision,
            "images": images,
        },
    )


def machine(node: Node, at: float) -> Evidence:
    """A node as it is: whether it is ready, and what it is short of."""
    name = str(node.metadata and node.metadata.name)
    conditions = {one.type: one for one in (node.status.conditions if node.status else None) or []}
    short = tuple(one for one in PRESSURES if one in conditions and conditions[one].status == "True")
    ready = conditions["Ready"].status if "Ready" in conditions else "Unknown"
    said = {"True": "is ready", "False": "is not ready"}.get(ready, "does not answer its cluster")
    return Evidence(
        id=fingerprint("machine", "kubernetes", name),
        at=at,
        source="kubernetes",
        what="machine",
        host=name,
        fact=f"node {name} {said}{', under ' + ' and '.join(short) if short else ''}",
        how=f"kubectl describe node {name}",
        data={"ready": ready, "pressure": short},
    )
