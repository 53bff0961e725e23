"""Steps of containers.feature."""

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.glidein_fixtures import USER, Factory, Node
from features.glidein_steps import joined, wait_for
from orchestrator.errors import PoolError
from orchestrator.tarball import debian
from orchestrator.trial.demo import debian_arch
from orchestrator.trial.local_glidein import LocalGlidein
from orchestrator.trial.pool import Pool
from tests.needs import need, program

scenarios("containers.feature")

# In a mount namespace, Debian's apptainer is where it was compiled to be; $1 is its tree, $2 the user,
# the rest the glidein. Nothing is installed on this machine.
INSTALLED = """
set -e
for part in usr etc; do mount -t overlay -o "lowerdir=$1/$part:/$part" none "/$part"; done
mount -t tmpfs none /var/lib && mkdir -p /var/lib/apptainer/mnt/session
user=$2
shift 2
exec setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups -- "$@"
"""
PARTS = {"apptainer", "libc6", "libgcc-s1", "libseccomp2", "libsqlite3-0"}


@dataclass
class Site:
    """What a node of it has: apptainer as an unpacked tree, an image, and what is forbidden."""

    tree: Path
    image: Path | str
    cvmfs: Path | None = None
    pool: Pool | None = None

    @property
    def inside(self) -> list[str]:
        """The words before a command that is to run there, as an ordinary user."""
        inside = ["unshare", "--mount", "--propagation", "private", "bash", "-c", INSTALLED]
        return [*inside, "site", str(self.tree), USER]

    def as_file(self) -> Path:
        """Make one file of the image, as its builder would."""
        folder = Path(tempfile.mkdtemp(dir=Path(self.image).parent))
        shutil.chown(folder, USER)
        file = folder / "image.sif"
        subprocess.run(
            [*self.inside, "apptainer", "build", str(file), str(self.image)],
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
            check=True,
            capture_output=True,
            timeout=60,
        )
        return file

    def wrap(self, glidein: LocalGlidein) -> None:
        """Let the glidein be started there."""
        glidein.wrap(self.inside, as_root=True)


@contextmanager
def registry(image: Path) -> Iterator[str]:
    """Stand in for a registry that has one image; its URL, as apptainer takes it."""
    blobs = {
        f"sha256:{hashlib.sha256(blob).hexdigest()}": blob
        for blob in (b"{}", image.read_bytes())
    }
    config, layer = (
        {
            "mediaType": f"application/vnd.sylabs.sif.{kind}",
            "digest": digest,
            "size": len(blob),
        }
        for kind, (digest, blob) in zip(
            ("config.v1+json", "layer.v1.sif"), blobs.items(), strict=True
        )
    )
    layer["annotations"] = {"org.opencontainers.image.title": image.name}
    manifest = {"schemaVersion": 2, "config": config, "layers": [layer]}
    kind = "application/vnd.oci.image.manifest.v1+json"
    text = json.dumps({"mediaType": kind, **manifest}).encode()
    digest = f"sha256:{hashlib.sha256(text).hexdigest()}"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            what, name = self.path.split("/")[-2:]
            body = text if what == "manifests" else blobs.get(name, b"")
            self.send_response(200 if body or self.path == "/v2/" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.send_header(
                "Content-Type", kind if what == "manifests" else "application/octet-stream"
            )
            self.send_header(
                "Docker-Content-Digest", digest if what == "manifests" else name
            )
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    try:
        yield f"oras://127.0.0.1:{server.server_port}/tiny/image:latest"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def apptainer(open_folder: Path) -> Path:
    """The tree of Debian sid's apptainer, with a C library of its own."""
    suite = debian.Suite("sid", debian_arch(), debian.find_mirror(), lambda said: None)
    tree = open_folder / "apptainer"
    libraries = tree / "usr/lib/apptainer-libraries"
    libraries.mkdir(parents=True)
    for package in suite.fetch(["apptainer"], PARTS.__contains__):
        folder = open_folder / f"unpacked-{package.name}"
        debian.unpack(package, folder)
        if package.name == "apptainer":
            for part in ("usr", "etc"):
                shutil.copytree(
                    folder / part, tree / part, symlinks=True, dirs_exist_ok=True
                )
        else:
            for file in folder.rglob("*.so*"):
                if file.is_file():
                    shutil.copy(file, libraries / file.name)
        shutil.rmtree(folder)
    # As the node sees them, at their usual places.
    inside = Path("/") / libraries.relative_to(tree)
    loader = next(libraries.glob("ld-linux*"))
    for name in ("usr/bin/apptainer", "usr/lib/x86_64-linux-gnu/apptainer/bin/starter"):
        patched = ["--set-interpreter", str(inside / loader.name), "--force-rpath"]
        command = ["patchelf", *patched, "--set-rpath", str(inside), str(tree / name)]
        subprocess.run(command, check=True)
    subprocess.run(["chmod", "-R", "a+rX", str(tree)], check=True)
    return tree


@given("a node with the apptainer of Debian, and an image", target_fixture="site")
def a_site(apptainer: Path, node: Node) -> Iterator[Site]:
    image = node.folder / "image"
    (image / "bin").mkdir(parents=True)
    busybox = program("busybox")
    assert busybox is not None
    shutil.copy(busybox, image / "bin/busybox")
    for name in ("sh", "cat", "env", "true", "test"):
        (image / "bin" / name).symlink_to("busybox")
    for name in ("etc", "proc", "sys", "dev", "tmp", "var", "root", "usr", "srv"):
        (image / name).mkdir()
    (image / "etc/image-release").write_text("a tiny image\n")
    for name in ("passwd", "group", "hosts", "resolv.conf"):
        (image / "etc" / name).touch()
    # What building an image puts there: how a command is run, and the image's own test.
    actions = image / ".singularity.d/actions"
    actions.mkdir(parents=True)
    for name, code in (("test", "exit 0"), ("exec", 'exec "$@"'), ("run", 'exec "$@"')):
        (actions / name).write_text(f"#!/bin/sh\n{code}\n")
        (actions / name).chmod(0o755)
    yield Site(apptainer, image)


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    """What a scenario needs besides; ended with it."""
    with ExitStack() as stack:
        yield stack


@given(parsers.parse("a site where {what}"))
def forbids(site: Site, what: str, servers: ExitStack) -> None:
    assert isinstance(site.image, Path)
    match what:
        case "the image has no shell":
            (site.image / "bin/sh").unlink()
        case "the image is not there":
            site.image = site.image / "nowhere"
        case "nothing is forbidden" | "the image is a folder":
            pass
        case "the image was not built, only unpacked":
            shutil.rmtree(site.image / ".singularity.d")
        case "the image is one file":
            need("mksquashfs")
            site.image = site.as_file()
        case "the image is on CVMFS":
            site.cvmfs = site.image.parent / "cvmfs.test"
            repository = site.cvmfs / "images.example.org"
            repository.mkdir(parents=True)
            site.image = site.image.rename(repository / "image")
        case "the image is in a registry":
            need("mksquashfs")
            site.image = servers.enter_context(registry(site.as_file()))
        case _:
            raise ValueError(f"no such site: {what}")


def glidein_there(
    here: Factory, node: Node, site: Site, *options: str, pool: Pool | None = None
) -> LocalGlidein:
    env = {"STARTD_FIRST_S": "1", "APPTAINER_NOHTTPS": "1"}
    if site.cvmfs:
        env["CVMFS_MOUNT_DIR"] = str(site.cvmfs)
    glidein = node.glidein(
        here,
        *options,
        pool=pool,
        env=env,
        GLIDEIN_Singularity_Use="PREFERRED",
        GLIDEIN_SINGULARITY_REQUIRE="OPTIONAL",
        SINGULARITY_IMAGES_DICT=f"default:{site.image}",
        SINGULARITY_IMAGE_RESTRICTIONS="cvmfs" if site.cvmfs else "none",
        GLIDEIN_Graceful_Shutdown="5",
    )
    site.wrap(glidein)
    return glidein


@when(
    parsers.parse(
        "a glidein joins a pool of Debian {suite}, whose Frontend prefers containers"
    ),
    target_fixture="glidein",
)
def joins(
    suite: str,
    factory: Factory,
    factory_with: Callable[..., Factory],
    pool_of: Callable[[str], Pool],
    node: Node,
    site: Site,
) -> LocalGlidein:
    here = factory if suite == "trixie" else factory_with(suite=suite)
    site.pool = pool_of(suite)
    glidein = glidein_there(here, node, site, pool=site.pool)
    glidein.start()
    wait_for("a slot of it", lambda: joined(pool_of(suite), glidein), 90, glidein.log)
    return glidein


@when("a glidein is rehearsed whose Frontend prefers containers", target_fixture="glidein")
def rehearsed(factory: Factory, node: Node, site: Site) -> LocalGlidein:
    glidein = glidein_there(factory, node, site, "--dry-run")
    glidein.start()
    assert glidein.wait(120) == 0, glidein.log()[-4000:]
    return glidein


@then("its slots tell where apptainer is, which version it has, and that it was tried")
def slots_tell(site: Site, glidein: LocalGlidein) -> None:
    assert site.pool is not None
    (ad,) = (
        one for one in site.pool.slots() if f"glidein_{glidein.pid}_" in str(one["Name"])
    )
    assert ad["HAS_SINGULARITY"] is True
    assert ad["GWMS_SINGULARITY_STATUS"] == "PREFERRED"
    assert ad["GWMS_SINGULARITY_PATH"] == "/usr/bin/apptainer"
    assert str(ad["GWMS_SINGULARITY_VERSION"]).startswith("1.")
    assert ad["GWMS_SINGULARITY_MODE"] == "unprivileged"
    assert ad.get("HasSingularity") is True, glidein.log()[-4000:]


@then("a job that brings an image runs in it")
def runs_in_it(site: Site, glidein: LocalGlidein) -> None:
    assert site.pool is not None
    jobs = site.pool.submit(
        {
            "universe": "container",
            "container_image": str(site.image),
            "executable": "/bin/cat",
            "arguments": "/etc/image-release",
            "transfer_container": "False",
            "transfer_executable": "False",
            "requirements": "HasSingularity",
        }
    )
    try:
        assert site.pool.wait(jobs, 30) == {0: 0}, glidein.log()[-4000:]
    except PoolError as error:
        logs = [*glidein.folder.rglob("StarterLog*"), *jobs.folder.rglob("job.log")]
        pytest.fail(f"{error}\n{''.join(log.read_text() for log in logs)[-6000:]}")
    assert (jobs.folder / "0.out").read_text() == "a tiny image\n"


@then(parsers.parse('its report says containers "{key}" are "{value}"'))
def report_says(glidein: LocalGlidein, key: str, value: str) -> None:
    found = glidein.report()["containers"]
    assert value in str(found[key]), found
    if key == "refused":
        assert "try: " in found[key]
