"""Mounts a run's own `/opt/ml` for one process and its children, before that process becomes the run's program.

The process gets a mount namespace of its own (not root: a user namespace first). Folders that many runs read are laid below `/opt/ml`
by overlayfs: what a run writes there stays its own, and nothing is copied before. Others are bound there, for reading alone or as they
are. A host also gets its name, and an `/etc/hosts` with the addresses of all hosts of its run.

Of the standard library alone: the fork server loads this file too, and what is imported here is there in every script.
"""

from __future__ import annotations

import ctypes
import json
import os

OPT_ML = "/opt/ml"

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUTS = 0x04000000
_CLONE_NEWUSER = 0x10000000
_MS_RDONLY = 1
_MS_REMOUNT = 32
_MS_BIND = 4096
_MS_REC = 16384
_MS_PRIVATE = 1 << 18
_MS_RELATIME = 1 << 21
_ST_RELATIME = 4096
_SAME_FLAGS = 2 | 4 | 8 | 1024 | 2048  # nosuid, nodev, noexec, noatime, nodiratime: of mount and of statvfs alike
_MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def bind_opt_ml(ml: str) -> None:
    """Mount a run's `ml` over `/opt/ml`, and its layers below it, for this process and its children alone; raises OSError."""
    root = os.geteuid() == 0
    uid, gid = os.geteuid(), os.getegid()
    _call("unshare", _CLONE_NEWNS | (0 if root else _CLONE_NEWUSER))
    if not root:
        for name, content in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib is not imported here
                file.write(content)
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    if not os.path.isdir(OPT_ML):  # noqa: PTH112 - see above
        if root:
            os.makedirs(OPT_ML, exist_ok=True)  # noqa: PTH103 - see above
        else:
            _rebuild_opt()
    _mount_layers(ml, root=root)
    _mount(ml, OPT_ML, None, _MS_BIND | _MS_REC)
    _become_host(ml)


def outside(path: str, ml: str) -> str:
    """Where a file below `/opt/ml` lies for those who do not have the mount of `ml`."""
    return path.replace(OPT_ML, ml, 1)


def layers_of(ml: str) -> str:
    """The folder beside a run's `ml` that holds its layers: `index` (JSON, path in `ml` -> [folder, access]) and a folder for each."""
    return os.path.join(os.path.dirname(ml), "layers")  # noqa: PTH118, PTH120 - see above


def etc_of(ml: str) -> str:
    """The folder beside the `ml` of a host that holds its name (`hostname`) and the addresses of all (`hosts`)."""
    return os.path.join(os.path.dirname(ml), "etc")  # noqa: PTH118, PTH120 - see above


def _become_host(ml: str) -> None:
    """Give the process the name and the addresses of its host, if it has them: containers and servers have their own."""
    etc = etc_of(ml)
    try:
        with open(f"{etc}/hostname", "rb") as file:  # noqa: PTH123 - see above
            name = file.read()
    except FileNotFoundError:
        return
    _call("unshare", _CLONE_NEWUTS)
    _call("sethostname", name, len(name))
    if os.path.exists("/etc/hosts"):  # noqa: PTH110 - see above
        _mount(f"{etc}/hosts", "/etc/hosts", None, _MS_BIND)


def _call(name: str, *args: object) -> None:
    if getattr(_libc, name)(*args) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    data = options.encode() if options else None
    _call("mount", os.fsencode(source), os.fsencode(target), kind.encode() if kind else None, flags, data)


def _mount_layers(ml: str, *, root: bool) -> None:
    layers = layers_of(ml)
    try:
        with open(f"{layers}/index", "rb") as file:  # noqa: PTH123 - see above
            folders: dict[str, tuple[str, str]] = json.load(file)
    except FileNotFoundError:
        return
    for number, (path, (folder, access)) in enumerate(folders.items()):
        if access != "own":
            _bind(folder, f"{ml}/{path}", read_only=access == "read")
            continue
        directories = {"lowerdir": folder, "upperdir": f"{layers}/{number}/upper", "workdir": f"{layers}/{number}/work"}
        # By descriptors: the options of a mount are a text with commas and colons, and paths may hold both.
        opened = {name: os.open(directory, os.O_PATH) for name, directory in directories.items()}
        options = ",".join(f"{name}=/proc/self/fd/{descriptor}" for name, descriptor in opened.items())
        try:
            _mount("overlay", f"{ml}/{path}", "overlay", 0, options if root else f"{options},userxattr")
        finally:
            for descriptor in opened.values():
                os.close(descriptor)


def _bind(folder: str, target: str, *, read_only: bool) -> None:
    _mount(folder, target, None, _MS_BIND)
    if read_only:
        known = os.statvfs(target).f_flag  # a user namespace must keep them
        kept = known & _SAME_FLAGS | (_MS_RELATIME if known & _ST_RELATIME else 0)
        _mount("none", target, None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | kept)


def _rebuild_opt() -> None:
    """Without the right to make `/opt/ml`: an `/opt` in memory, with everything that was there bound back."""
    opt = os.path.dirname(OPT_ML)  # noqa: PTH120 - see above
    aside = f"{os.environ.get('TMPDIR', '/tmp')}/opt-{os.urandom(8).hex()}"  # noqa: S108 - a name of its own, made for this user alone
    os.mkdir(aside, 0o700)  # noqa: PTH102 - see above
    _mount(opt, aside, None, _MS_BIND | _MS_REC)
    _mount("tmpfs", opt, "tmpfs", 0)
    for entry in os.scandir(aside):
        target = f"{opt}/{entry.name}"
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), target)  # noqa: PTH115, PTH211 - see above
            continue
        if entry.is_dir():
            os.mkdir(target)  # noqa: PTH102 - see above
        else:
            os.close(os.open(target, os.O_CREAT | os.O_CLOEXEC))
        _mount(entry.path, target, None, _MS_BIND | _MS_REC)
    os.mkdir(OPT_ML)  # noqa: PTH102 - see above
    _call("umount2", os.fsencode(aside), _MNT_DETACH)
    os.rmdir(aside)  # noqa: PTH106 - see above
