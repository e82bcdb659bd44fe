"""Programs by which what is in deploy/ is read as those read it who run it; built once with Go (`go_programs.py`).

``python -m tests.support.deploy_programs`` builds them beforehand: that takes longer than a test may.
"""

from __future__ import annotations

import pytest

from tests.support.go_programs import GoProgram

KUSTOMIZE = GoProgram(
    "kustomize", "sigs.k8s.io/kustomize/kustomize/v5", "v5.7.1", "kustomize, which kubectl has inside,"
)
COMPOSE = GoProgram(
    "compose", "github.com/compose-spec/compose-go/v2", "v2.16.2", "Docker Compose's own reader of files", "/cmd"
)
MC = GoProgram("mc", "github.com/minio/mc", "v0.0.0-20250313080218-cf909e1063a9", "mc, MinIO's client,")

if __name__ == "__main__":
    for program in (KUSTOMIZE, COMPOSE, MC):
        try:
            program.path()
        except pytest.skip.Exception as reason:
            print(reason)
