"""Builds and runs the image of a Dockerfile without a container engine: its own steps, at their own paths, in a chroot.

A stage is a folder that becomes `/`: this machine's /usr, read-only, below it; a copy of the Python that runs the tests
as /usr/local, where the base image has its own. COPY and RUN are done as they are written; `--mount=type=cache` is this
machine's cache of pip. What it lacks of a container: the base image's other files, and namespaces other than mounts.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile_parse import DockerfileParser

from tests.support.needs import missing, needs_command
from tests.support.worker_process import REPOSITORY

USER_ID = 10001
_ETC = (
    "ca-certificates", "default", "group", "gshadow", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime",
    "login.defs", "nsswitch.conf", "pam.d", "passwd", "resolv.conf", "security", "shadow", "ssl",
)  # fmt: skip
_FLAG = re.compile(r"--([a-z]+)=(\S+)\s+")
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_KEPT = ("PIP_", "SSL_", "REQUESTS_", "HTTP", "NO_PROXY", "http", "no_proxy")  # how this machine reaches the registry


@dataclass
class Stage:
    """A folder that is `/`, and what of its configuration a container begins with."""

    root: Path
    workdir: str = "/"
    user: str = "0"
    environment: dict[str, str] = field(default_factory=dict)
    labels: str = ""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)
    stop_signal: str = "SIGTERM"

    def at(self, path: str) -> Path:
        """Where a path of the image is on this machine."""
        return self.root / path.lstrip("/")


def needs_chroot() -> None:
    """Skip where mounts may not be made."""
    for command in ("unshare", "setpriv", "chroot", "mount"):
        needs_command(command, "util-linux")
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        missing("The image is built in a chroot, which takes root and mount namespaces.")


def build(dockerfile: Path, target: str, folder: Path, context: Path = REPOSITORY) -> Stage:
    """Carry out the steps up to a target, and only those of the stages that it is made of."""
    stages = _stages(dockerfile)
    built: dict[str, Stage] = {}

    def make(name: str) -> Stage:
        if name not in built:
            base, steps = stages[name]
            if base in stages:
                stage = _copy_of(make(base), folder / name)
            else:
                if base not in built:
                    built[base] = Stage(folder / "base")
                    _lay_base(built[base])
                stage = _copy_of(built[base], folder / name)
            for instruction, value in steps:
                source = re.search(r"--from=(\S+)", value)
                _step(
                    stage,
                    instruction,
                    value,
                    make(source[1]).root if source and instruction == "COPY" else None,
                    context,
                )
            built[name] = stage
        return built[name]

    return make(target)


def running(
    stage: Stage, command: Sequence[str], volumes: Mapping[str, Path], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start a command as a container would: read-only root, tmpfs on /tmp, its user, no capability, its variables."""
    mounts = [
        f"mkdir -p {_quoted(stage.at(path))}\nmount --bind {_quoted(folder)} {_quoted(stage.at(path))}"
        for path, folder in sorted(volumes.items())
    ]
    for path in volumes:
        stage.at(path).mkdir(parents=True, exist_ok=True)
    uid, _, gid = stage.user.partition(":")
    seal = f"setpriv --reuid={uid} --regid={gid or uid} --clear-groups --no-new-privs --bounding-set=-all"
    inside = f"cd {_quoted(stage.workdir)} && exec {seal} -- {shlex.join(command)}"
    root = _quoted(stage.root)
    script = [
        *_mounts(stage), f"mount --bind {root} {root}", f"mount -o remount,bind,ro {root}", *_mounts(stage),
        *mounts, f"mount -t tmpfs tmpfs {root}/tmp", f"exec chroot {root} /bin/sh -c {_quoted(inside)}",
    ]  # fmt: skip
    values = {**stage.environment, "HOME": "/var/lib/liontrack", "LANG": "C.UTF-8", **environment}
    with log.open("ab") as output:
        return subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec", "\n".join(script)],
            env=values, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip


def ignored(context: Path) -> Iterator[str]:
    """The patterns of .dockerignore."""
    for line in (context / ".dockerignore").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def sent(path: str, patterns: Iterable[str]) -> bool:
    """Whether .dockerignore lets a file through: the last pattern that fits it, or a folder above it, decides."""
    let = True
    names = [path, *map(str, list(Path(path).parents)[:-1])]
    for pattern in patterns:
        bare = pattern.removeprefix("!")
        below = bare.replace("**/", "*/")
        if any(fnmatch.fnmatchcase(one, bare) or fnmatch.fnmatchcase(f"/{one}", below) for one in names):
            let = pattern.startswith("!")
    return let


def _stages(dockerfile: Path) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Name -> what it is made from, and its steps."""
    found: dict[str, tuple[str, list[tuple[str, str]]]] = {}
    name = ""
    for step in DockerfileParser(fileobj=dockerfile.open("rb")).structure:
        instruction, value = step["instruction"], step["value"]
        if instruction == "FROM":
            base, _, name = value.partition(" AS ")
            name = name or "final"
            found[name] = (base, [])
        elif instruction != "COMMENT":
            found[name][1].append((instruction, value))
    return found


def _step(stage: Stage, instruction: str, value: str, source: Path | None, context: Path) -> None:
    value_without_flags = _FLAG.sub("", value)
    match instruction:
        case "RUN":
            _run(stage, value_without_flags, cache="type=cache" in value)
        case "COPY":
            _copy(stage, value_without_flags.split(), source, context)
        case "WORKDIR":
            stage.workdir = value
            stage.at(value).mkdir(parents=True, exist_ok=True)
        case "USER":
            stage.user = value
        case "ENV":
            for part in shlex.split(value):
                name, _, text = part.partition("=")
                stage.environment[name] = _VARIABLE.sub(
                    lambda m: stage.environment.get(m[1], _PATH if m[1] == "PATH" else ""), text
                )
        case "LABEL":
            stage.labels += value
        case "ENTRYPOINT":
            stage.entrypoint = json.loads(value)
        case "CMD":
            stage.command = json.loads(value)
        case "HEALTHCHECK":
            stage.healthcheck = json.loads(value.partition("CMD ")[2]) if "CMD" in value else []
        case "STOPSIGNAL":
            stage.stop_signal = value
        case "ARG" | "EXPOSE":
            pass
        case _:
            raise AssertionError(f"What does {instruction} do? Teach this module.")


_PATH = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"


def _run(stage: Stage, command: str, cache: bool) -> None:
    root = _quoted(stage.root)
    cached = []
    if cache:
        home = subprocess.run([sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=True)
        Path(home.stdout.strip()).mkdir(parents=True, exist_ok=True)
        stage.at("/root/.cache/pip").mkdir(parents=True, exist_ok=True)
        cached = [f"mount --bind {_quoted(home.stdout.strip())} {root}/root/.cache/pip"]
    script = [*_mounts(stage), *cached,
              f"exec chroot {root} /bin/sh -c {_quoted(f'cd {stage.workdir} && {command}')}"]  # fmt: skip
    values = {name: text for name, text in os.environ.items() if name.startswith(_KEPT)}
    values |= {"PATH": _PATH, "HOME": "/root", "LANG": "C.UTF-8", **stage.environment}
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec", "\n".join(script)],
        env=values, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, f"RUN {command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def _copy(stage: Stage, words: Sequence[str], source: Path | None, context: Path) -> None:
    *names, target = words
    into = stage.at(target if target.startswith("/") else f"{stage.workdir}/{target}")
    patterns = list(ignored(context)) if source is None else []
    for name in names:
        origin = (source or context) / name.lstrip("/")
        assert origin.exists(), f"COPY {name}: it is not there"
        if origin.is_dir():
            files = list(_files(origin, context if source is None else None, patterns))
            assert files, f"COPY {name}: .dockerignore keeps it back"
            for path in files:
                _put(path, into / path.relative_to(origin), linked=source is not None)
        else:
            assert source is not None or sent(name, patterns), f"COPY {name}: .dockerignore keeps it back"
            _put(origin, into / origin.name if target.endswith("/") else into, linked=source is not None)


def _files(origin: Path, context: Path | None, patterns: Sequence[str]) -> Iterator[Path]:
    for folder, names, files in os.walk(origin):
        if context is not None:
            names[:] = [one for one in names if sent(str(Path(folder, one).relative_to(context)), patterns)]
        for one in [*files, *(n for n in names if Path(folder, n).is_symlink())]:
            path = Path(folder, one)
            if context is None or sent(str(path.relative_to(context)), patterns):
                yield path


def _put(path: Path, target: Path, linked: bool) -> None:
    """A layer's files are linked: steps replace files and do not write into them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        target.symlink_to(path.readlink())
    elif linked:
        target.hardlink_to(path)
    else:
        shutil.copy2(path, target)


def _lay_base(stage: Stage) -> None:
    for name in ("usr", "etc", "proc", "dev", "tmp", "root", "var/lib", "run", "src"):
        stage.at(name).mkdir(parents=True, exist_ok=True)
    stage.at("tmp").chmod(0o1777)
    for name in ("bin", "sbin", "lib", "lib64"):
        if Path("/", name).is_symlink():
            stage.at(name).symlink_to(f"usr/{name}")
    for name in _ETC:
        path = Path("/etc", name)
        if path.is_dir():
            shutil.copytree(path, stage.at(f"etc/{name}"), symlinks=True)
        elif path.exists():
            shutil.copy2(path, stage.at(f"etc/{name}"))
    _lay_python(stage)


def _lay_python(stage: Stage) -> None:
    """This Python, beside the stage's folder: a RUN may take parts of it away."""
    local, base = _local(stage), Path(sys.base_prefix)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    left_out = shutil.ignore_patterns("__pycache__", "test", "tkinter", "idlelib", "*.a")
    for part in ("bin", "lib"):
        (local / part).mkdir(parents=True)
    shutil.copy2(base / "bin" / version, local / "bin" / version)
    for name in ("python", "python3"):
        (local / "bin" / name).symlink_to(version)
    shutil.copytree(
        base / "lib" / version, local / "lib" / version, symlinks=True,
        ignore=lambda folder, names: set(names) if folder.endswith("site-packages") else left_out(folder, names),
    )  # fmt: skip
    for library in (base / "lib").glob("libpython*.so*"):
        shutil.copy2(library, local / "lib" / library.name, follow_symlinks=False)
    _run(stage, "ldconfig && python -m ensurepip && rm -rf /root/.cache", cache=False)  # the base image comes with pip


def _copy_of(stage: Stage, root: Path) -> Stage:
    subprocess.run(["cp", "-al", stage.root, root], check=True)
    copy = Stage(**{**vars(stage), "root": root, "environment": dict(stage.environment)})
    subprocess.run(["cp", "-al", _local(stage), _local(copy)], check=True)
    return copy


def _local(stage: Stage) -> Path:
    return stage.root.with_name(f"{stage.root.name}-local")


def _mounts(stage: Stage) -> list[str]:
    """/usr of this machine with the stage's own /usr/local, /proc, /dev."""
    root = _quoted(stage.root)
    return [
        f"mount --bind /usr {root}/usr", f"mount -o remount,bind,ro {root}/usr",
        f"mount --bind {_quoted(_local(stage))} {root}/usr/local",
        f"mount --bind /proc {root}/proc", f"mount --rbind /dev {root}/dev",
    ]  # fmt: skip


def _quoted(value: object) -> str:
    return shlex.quote(str(value))
