"""deploy/kubernetes: built by kustomize, held against Kubernetes' own schemas, and against what a worker needs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from liontrack_stream.settings import Settings
from tests.support.deploy_programs import KUSTOMIZE
from tests.support.image import USER_ID
from tests.support.worker_process import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
OVERLAYS = ("small", "production")
VERSIONS = ("1.31", kubernetes_validate.latest_version())
Objects = dict[tuple[str, str], dict[str, Any]]


def built(folder: Path, overlay: str) -> subprocess.CompletedProcess[str]:
    """What `kubectl apply -k` would apply, of a copy with secrets made for it."""
    copy = folder / "kubernetes"
    if not copy.exists():
        shutil.copytree(DEPLOY / "kubernetes", copy, ignore=shutil.ignore_patterns("secrets"))
    subprocess.run([DEPLOY / "make-secrets", copy / "overlays" / overlay / "secrets"], check=True, capture_output=True)
    return subprocess.run(
        [KUSTOMIZE.path(), "build", copy / "overlays" / overlay], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module", params=OVERLAYS)
def objects(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """(kind, name) -> object, of each overlay."""
    done = built(tmp_path_factory.mktemp("kubernetes"), request.param)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "kustomize warns"
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(done.stdout)}


def test_kubernetes_takes_every_object(objects: Objects) -> None:
    for version in VERSIONS:
        for one in objects.values():
            kubernetes_validate.validate(one, version, strict=True)
    wrong = {**objects["StatefulSet", "worker"], "spec": {**objects["StatefulSet", "worker"]["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_there_are_no_more_workers_than_partitions(objects: Objects) -> None:
    settings = _one(objects, "ConfigMap")["data"]
    spec = objects["StatefulSet", "worker"]["spec"]
    partitions = int(settings["TOPIC_PARTITIONS"])
    assert 1 <= spec["replicas"] <= partitions
    assert partitions % spec["replicas"] == 0, "some workers would have more to do than others"
    assert set(settings) <= {name.upper() for name in Settings.model_fields}
    names = {one["name"]: one for one in _worker(objects)["env"]}
    assert names["LIONTRACK_INSTANCE"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    [claim] = spec["volumeClaimTemplates"]
    assert {"name": claim["metadata"]["name"], "mountPath": "/var/lib/liontrack"} in _worker(objects)["volumeMounts"]


def test_pods_are_as_the_restricted_standard_wants_them(objects: Objects) -> None:
    assert objects["Namespace", "liontrack"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = _pod(objects)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == USER_ID
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert all(not volume.keys() & {"hostPath"} for volume in pod["volumes"])
    containers = [*pod["initContainers"], *pod["containers"]]
    assert [one["name"] for one in containers] == ["migrate", "topics", "worker"]
    for one in containers:
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert set(one["resources"]["limits"]) == set(one["resources"]["requests"]) == {"cpu", "memory"}
        assert one["image"].split(":")[1].count(".") == 2, "which version?"
        assert one["args"] == [one["name"]]


def test_probes_ask_what_they_mean(objects: Objects) -> None:
    """A worker without Kafka is not ready, and must not be killed for it."""
    worker = _worker(objects)
    asked = {kind: worker[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert asked == {"startup": "/health", "liveness": "/health", "readiness": "/ready"}
    assert {one["name"] for one in worker["ports"]} == {"http"}
    spec = objects["StatefulSet", "worker"]["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] >= 20


def test_what_selects_pods_finds_them(objects: Objects) -> None:
    labels = objects["StatefulSet", "worker"]["spec"]["template"]["metadata"]["labels"]
    for kind, name in (("Service", "workers"), ("Service", "api")):
        spec = objects[kind, name]["spec"]
        assert spec["selector"].items() <= labels.items()
        assert spec["ports"][0]["targetPort"] == "http"
    for key in (("PodDisruptionBudget", "worker"), ("NetworkPolicy", "worker"), ("StatefulSet", "worker")):
        spec = objects[key]["spec"]
        assert spec.get("selector", spec.get("podSelector"))["matchLabels"].items() <= labels.items()
    assert objects["StatefulSet", "worker"]["spec"]["serviceName"] == "workers"
    assert objects["NetworkPolicy", "worker"]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert all(one.get("ports") for one in objects["NetworkPolicy", "worker"]["spec"]["egress"])


def test_secrets_are_files_of_the_overlay_and_nowhere_else(objects: Objects, tmp_path: Path) -> None:
    secret = _one(objects, "Secret")
    mounted = [one["secret"]["secretName"] for one in _pod(objects)["volumes"] if "secret" in one]
    assert mounted == [secret["metadata"]["name"]]
    assert set(secret["data"]) <= set(Settings.model_fields)
    folder = {one["name"]: one["mountPath"] for one in _worker(objects)["volumeMounts"]}["secrets"]
    assert {one["name"]: one.get("value") for one in _worker(objects)["env"]}["LIONTRACK_SECRETS_DIR"] == folder
    for overlay in OVERLAYS:
        ignored = subprocess.run(
            ["git", "check-ignore", "--quiet", f"deploy/kubernetes/overlays/{overlay}/secrets/pg_password"],
            cwd=REPOSITORY, check=False,
        )  # fmt: skip
        assert ignored.returncode == 0, "a secret could be committed"
    done = subprocess.run(
        [KUSTOMIZE.path(), "build", DEPLOY / "kubernetes/overlays/small"], capture_output=True, text=True, check=False
    )
    if not (DEPLOY / "kubernetes/overlays/small/secrets").exists():
        assert done.returncode == 1 and "secrets" in done.stderr


def _pod(objects: Objects) -> dict[str, Any]:
    spec: dict[str, Any] = objects["StatefulSet", "worker"]["spec"]["template"]["spec"]
    return spec


def _worker(objects: Objects) -> dict[str, Any]:
    worker: dict[str, Any] = _pod(objects)["containers"][0]
    return worker


def _one(objects: Objects, kind: str) -> dict[str, Any]:
    [found] = [one for (of, _), one in objects.items() if of == kind]
    return found
