"""Steps of scripts.feature."""

import io
import pwd
import re
import subprocess
import tarfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from features.frontend_fixtures import Frontend
from features.glidein_fixtures import USER, Factory, Node
from features.glidein_steps import wait_for
from orchestrator.trial.local_glidein import LocalGlidein
from orchestrator.trial.pool import Jobs, Pool

scenarios("scripts.feature")

# How scripts of today begin, and how those of ten years ago did.
TODAY = """\
#!/bin/bash
glidein_config=$1
section=$2
add_config_line_source=$(grep -m1 '^ADD_CONFIG_LINE_SOURCE ' "$glidein_config" | cut -d ' ' -f 2-)
. "$add_config_line_source"
error_gen=$(gconfig_get ERROR_GEN_PATH "$glidein_config")
condor_vars_file=$(gconfig_get CONDOR_VARS_FILE "$glidein_config")
advertise() {
  gconfig_add "$1" "$2"
  add_condor_vars_line "$1" "$3" "-" "+" "Y" "Y" "+"
}
turn() { echo "$1 $section" >>order; }
"""
OLD = """\
#!/bin/bash
glidein_config=$1
turn() { echo "$1 $2" >>order; }
function warn { echo `date` $@ 1>&2; }
add_config_line_source=`grep '^ADD_CONFIG_LINE_SOURCE ' $glidein_config | awk '{print $2}'`
source $add_config_line_source
condor_vars_file=`grep -i "^CONDOR_VARS_FILE " $glidein_config | awk '{print $2}'`
"""
PYTHON = """\
#!/bin/sh
'''exec' "$(grep -m1 '^GLIDEIN_WORK_DIR ' "$1" | cut -d ' ' -f 2-)/gwms-python" "$0" "$@"
'''
import os, sys
os.environ["glidein_config"] = sys.argv[1]
from gconfig import gconfig_add, gconfig_get, add_condor_config_var, status_report
assert gconfig_get("GLIDEIN_Entry_Name") == "here"
gconfig_add("FROM_PYTHON", "%d.%d" % sys.version_info[:2])
assert add_condor_config_var("FROM_PYTHON", "-", kind="S")
status_report("python.py", True, parameters={"seconds": 1})
open("order", "a").write("python %s\\n" % sys.argv[2])
"""
ATTRIBUTES = 300


def tar(name: str, content: str) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as made:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o755
        made.addfile(member, io.BytesIO(content.encode()))
    return raw.getvalue()


@given("a Frontend with scripts of every style", target_fixture="published")
def every_style(frontend: Frontend) -> Frontend:
    constants = "".join(f"VO_ATTR_{n} \tvalue {n}  \n" for n in range(ATTRIBUTES))
    constants += "GLIDECLIENT_Start \t(TARGET.x =!= 1)\nVO_Published \ttext of it\n"
    variables = "# VarName \tType\nVO_Published \tS \t- \t+ \tN \tY \t@\n"
    variables += "VO_Default \tC \tTrue \t+ \tN \tY \t-\n"

    def early(*given: Any, **more: Any) -> None:
        frontend.add("client", *given, where="preentry_file_list", **more)

    early("constants.cfg", constants, "regular", key="CONSTS_FILE")
    early("condor_vars.lst", variables, "regular", key="CONDOR_VARS_FILE")
    early("untar.cfg", "tool.tgz \t../rsyslog\n", "regular", key="UNTAR_CFG_FILE")
    early("nodes.blacklist", "'bad.example.org'\n", "nocache", key="BLACKLIST_FILE")
    early("setup_prejob.sh", "export FROM_PREJOB=1\n", "regular")
    early(
        "check_blacklist.sh",
        TODAY
        + '. "$(gconfig_get GET_ID_SELECTORS_SOURCE "$glidein_config")"\n'
        + 'list=$(gconfig_get "$(get_prefix "$section")BLACKLIST_FILE")\n'
        + 'grep -q "^\'bad.example.org\'" "$list" && turn blacklist\n'
        + '"$error_gen" -ok check_blacklist.sh\n',
    )
    frontend.add(
        "group",
        "group.sh",
        TODAY + "turn group; [[ -f client_group_main/group.sh ]]\n",
        where="preentry_file_list",
    )
    frontend.add(
        "client",
        "old.sh",
        OLD
        + "site=`grep '^GLIDEIN_Site ' $glidein_config | awk '{print $2}'`\n"
        + "work=`grep -i \"^glidein_work_dir \" $glidein_config | awk '{print $2}'`\n"
        + '[ "x$site" = xHere -a -d "$work" ] || exit 1\n'
        + 'echo "RAW line" >> $glidein_config\nturn old $2\n',
    )
    frontend.add(
        "client",
        "advertise.sh",
        TODAY
        + "[[ $(gconfig_get RAW) == line && $(gconfig_get VO_ATTR_299) == 'value 299' ]] || exit 1\n"
        + 'advertise VO_Expression "(DiskUsage ?: 0) < 10 && \\"a b\\" =!= UNDEFINED" C\n'
        + 'advertise VO_Text "some \\"quoted\\" text" S\nadvertise VO_Number 7 I\n'
        + "gconfig_add WANT_LATE 1; gconfig_add GLIDEIN_USE_FEATURE yes; turn advertise\n",
    )
    frontend.add("client", "python.py", PYTHON)
    frontend.add(
        "client", "tool.tgz", tar("tool", "#!/bin/sh\necho works\n"), "untar", key="TOOL"
    )
    frontend.add(
        "client",
        "uses_tool.sh",
        TODAY
        + 'dir=$(gconfig_get GLIDECLIENT_TOOL)\n[[ $("$dir/tool") == works && -x rsyslog/tool ]] || exit 1\n'
        + "turn tool\n",
    )
    frontend.add("client", "late.sh", TODAY + "turn late\n", condition="WANT_LATE")
    frontend.add("client", "never.sh", TODAY + "turn never\n", condition="WANT_NEVER")
    for feature in ("FEATURE", "OTHER"):
        frontend.add(
            "client",
            f"{feature.lower()}.sh",
            TODAY + f"turn {feature.lower()}\n",
            name=f"gconditional_{feature}_x.k3cbZC.sh",
        )
    frontend.add("client", "one_wrapper.sh", "export VO_WRAPPED=1", "wrapper")
    frontend.add("client", "two_wrapper.sh", "export VO_WRAPPED=$VO_WRAPPED-2\n", "wrapper")
    frontend.add("client", "99_vo.conf", "VO_KNOB = set\n", "config:c")
    frontend.add("client", "plain.sh", "echo plain $2 >>order\n")
    frontend.add(
        "client",
        "last.sh",
        TODAY + "[[ -z $VO_WRAPPED && ${PATH%%:*} == */.gwms.d/bin ]] && turn last\n",
        where="aftergroup_file_list",
    )
    frontend.keep = True
    return frontend


def rehearsal(
    factory: Factory, published: Frontend, node: Node, **parameters: Any
) -> LocalGlidein:
    options = [*published.publish(), "--dry-run", *(["--keep"] if published.keep else [])]
    glidein = node.glidein(factory, *options, env=published.env, **parameters)
    glidein.start()
    return glidein


@when("a glidein is rehearsed for it", target_fixture="glidein")
def rehearse(factory: Factory, published: Frontend, node: Node) -> LocalGlidein:
    glidein = rehearsal(factory, published, node)
    glidein.wait(120)
    return glidein


def work(glidein: LocalGlidein) -> Path:
    """Return the work directory that was kept."""
    (folder,) = glidein.folder.glob("glide_*")
    return folder


@then("every script ran in its turn and found what it needs")
def in_turn(glidein: LocalGlidein) -> None:
    assert glidein.poll() == 0, glidein.log()[-6000:]
    order = [line.split()[0] for line in (work(glidein) / "order").read_text().splitlines()]
    assert order == [
        *("blacklist", "group", "old", "advertise", "python", "tool", "late", "feature"),
        *("plain", "last"),
    ]


def config_val(folder: Path, *names: str) -> list[str]:
    done = subprocess.run(
        [folder / "main/condor/bin/condor_config_val", "-subsystem", "startd", *names],
        env={"CONDOR_CONFIG": str(folder / "condor_config")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.splitlines()


@then("what the scripts advertise is what HTCondor will advertise")
def advertised(glidein: LocalGlidein) -> None:
    folder = work(glidein)
    names = (
        "VO_Expression",
        "VO_Text",
        "VO_Number",
        "VO_Published",
        "VO_Default",
        "FROM_PYTHON",
    )
    *values, python = config_val(folder, *names)
    assert values == [
        '(DiskUsage ?: 0) < 10 && "a b" =!= UNDEFINED',
        r'"some \"quoted\" text"',
        "7",
        '"text of it"',
        "True",
    ]
    assert re.fullmatch(r'"\d\.\d+"', python)
    (attributes,) = config_val(folder, "STARTD_ATTRS")
    assert set(names) <= set(re.split(r"[ ,]+", attributes))
    assert config_val(folder, "VO_KNOB") == ["set"]
    config = (folder / "glidein_config").read_text().splitlines()
    keys = [line.split()[0] for line in config if line]
    assert len(keys) == len(set(keys))
    assert sum(key.startswith("VO_ATTR_") for key in keys) == ATTRIBUTES


@then("the job wrapper is the community's files, then the job")
def wrapped(glidein: LocalGlidein) -> None:
    (wrapper,) = config_val(work(glidein), "USER_JOB_WRAPPER")
    done = subprocess.run(
        [wrapper, "sh", "-c", 'echo "$VO_WRAPPED $1"', "job", "a b"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "1-2 a b\n"
    prejob = work(glidein) / ".gwms.d/exec/prejob/setup_prejob.sh"
    assert prejob.read_text() == "export FROM_PREJOB=1\n"


@then("the report tells how each script ended and how long it took")
def reported(glidein: LocalGlidein) -> None:
    scripts = glidein.report()["scripts"]
    assert len(scripts) == 11 - 1
    for name, said in scripts.items():
        assert re.fullmatch(r"status=0 ms=\d+", said), (name, said)
    assert "client_group/group.sh" in scripts


def rounds(glidein: LocalGlidein) -> int:
    """Count the fetches that waited for each other; the tarball comes meanwhile, in one of its own."""
    return len(re.findall(r" _fetch_verdict: files=\d+", glidein.log()))


@then(parsers.parse("the areas of the Frontend cost at most {more:d} rounds of requests"))
def few_rounds(factory: Factory, node: Node, glidein: LocalGlidein, more: int) -> None:
    plain = node.glidein(factory, "--dry-run", name="plain", env={"GLIDEIN_CACHE": "none"})
    plain.start()
    assert plain.wait(120) == 0, plain.log()[-4000:]
    assert rounds(plain) >= 2
    assert rounds(glidein) - rounds(plain) <= more


# --- what a script can see ---------------------------------------------------------------------

LOOK = (
    TODAY + "find . -path ./.glidein -prune -o -type f -print | sort >seen.$(basename $0)\n"
)
LOOK += 'cp "$glidein_config" facts.$(basename $0)\n'


@given("a Frontend whose scripts look around", target_fixture="published")
def look_around(frontend: Frontend) -> Frontend:
    constants = "FROM_CLIENT \t1\nGLIDEIN_Site \tElsewhere\n"
    frontend.add("client", "first.sh", LOOK, where="preentry_file_list")
    frontend.add(
        *("client", "constants.cfg", constants, "regular"),
        where="preentry_file_list",
        key="CONSTS_FILE",
    )
    frontend.add("client", "second.sh", LOOK, where="preentry_file_list")
    frontend.add("group", "third.sh", LOOK, where="preentry_file_list")
    frontend.add("client", "tool.tgz", tar("tool", "x"), "untar", key="TOOL")
    frontend.add("client", "vo.conf", "A = 1\n", "config:c")
    frontend.add("client", "fourth.sh", LOOK, key="FOURTH")
    frontend.add("group", "fifth.sh", LOOK)
    frontend.keep = True
    return frontend


@then("each saw the files and facts of the turns before it, and no others")
def saw(glidein: LocalGlidein) -> None:
    assert glidein.poll() == 0, glidein.log()[-6000:]
    folder = work(glidein)

    def seen(name: str) -> set[str]:
        lines = (folder / f"seen.{name}.sh").read_text().splitlines()
        ours = re.compile(r"\./(client|client_group_main|condor_config\.d|entry_here)/")
        return {line[2:] for line in lines if ours.match(line)}

    def facts(name: str) -> dict[str, str]:
        lines = (folder / f"facts.{name}.sh").read_text().splitlines()
        return {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in lines if line}

    files = {"client/first.sh"}
    assert seen("first") == files
    assert (
        not {"FROM_CLIENT", "GLIDEIN_Site", "GLIDECLIENT_CONSTS_FILE"}
        & facts("first").keys()
    )
    files |= {"client/constants.cfg", "client/second.sh"}
    assert seen("second") == files
    assert facts("second")["FROM_CLIENT"] == "1"
    assert facts("second")["GLIDEIN_Site"] == "Elsewhere"
    files |= {"client_group_main/third.sh"}
    assert seen("third") == files
    files |= {"entry_here/constants.cfg", "entry_here/condor_vars.lst"}
    files |= {"client/tool/tool", "condor_config.d/vo.conf", "client/fourth.sh"}
    assert seen("fourth") == files
    assert (
        facts("fourth")["GLIDEIN_Site"] == "Here"
    )  # the entry's list comes later, and wins
    assert "GLIDECLIENT_FOURTH" not in facts("fourth")
    assert facts("fifth")["GLIDECLIENT_FOURTH"] == str(folder / "client/fourth.sh")
    assert seen("fifth") == files | {"client_group_main/fifth.sh"}


# --- scripts that misbehave --------------------------------------------------------------------

MISBEHAVIOUR = {
    "leaves daemons behind": "setsid sleep 3600 & nohup sleep 3600 & (sleep 3600 &) ; exit 0",
    "closes its descriptors and reads its input": "cat; read x; exec <&- >&- 2>&- 3>&-; exit 0",
    "writes a flood of binary noise": "head -c 5000000 /dev/urandom; head -c 5000000 /dev/urandom >&2"
    "; printf '=== glidein report ===\\n{\"no\": 1'",
    "has our functions in its environment": "log_info() { echo hijacked; }; config_get() { exit 9; }"
    "; mv() { :; }; export -f log_info config_get mv; IFS=G; export IFS",
    "changes the shell and the limits": "ulimit -n 8; ulimit -f 1; umask 777; set -efu; trap '' TERM"
    "; cd /; IFS=/; exit 0",
    "fills glidein_config with junk": "head -c 100000 /dev/urandom >>$1; echo >>$1"
    "; for i in 1 2 3; do echo \"TWICE $i\" >>$1; done; printf 'NO_END x' >>$1",
    "says no": '"$(grep "^ERROR_GEN_PATH " $1 | cut -d " " -f 2-)" -error first.sh WN_Resource'
    ' "no scratch here" path /scratch; exit 1',
    "hangs, with children": "touch started; sleep 3600 & (trap '' TERM; sleep 3600) & sleep 3600",
    "removes glidein_config": "rm $1",
}


@given(parsers.parse("a Frontend whose first script {does}"), target_fixture="published")
def misbehaves(frontend: Frontend, does: str) -> Frontend:
    frontend.add("client", "first.sh", f"#!/bin/bash\n{MISBEHAVIOUR[does]}\n")
    next_one = TODAY + "gconfig_add KEPT 1 && [[ $(gconfig_get KEPT) == 1 ]] || exit 1\n"
    next_one += '[[ $(grep -ac "^TWICE " $1) -le 1 && $(umask) == 0022 && $PWD == */glide_* ]] || exit 2\n'
    next_one += "echo next of them: all in order >&2\n"
    frontend.add("client", "next.sh", next_one)
    frontend.add("group", "empty.sh", "#!/bin/sh\n")
    frontend.env = {"SCRIPT_DRAIN_MS": "300"}
    if "hangs" in does:
        frontend.env["SCRIPT_LIMIT_S"] = "2"
    return frontend


@then("its next script finds all in order")
def next_in_order(glidein: LocalGlidein) -> None:
    assert glidein.poll() == 0, glidein.log()[-6000:]
    assert "next of them: all in order" in glidein.log()
    assert glidein.report()["end"]["code"] == 0


@then("its description for log tools names the script")
def described(glidein: LocalGlidein) -> None:
    found = re.search(
        r"(?s)=== XML description of glidein activity ===\n(.*)\n=== End XML",
        glidein.stdout.read_text(errors="replace"),
    )
    assert found
    root = ElementTree.fromstring(found[1])
    assert root.findtext("result/status") == "ERROR"
    metrics = {one.get("name"): one.text for one in root.iter("metric")}
    assert metrics["TestID"] == "client/first.sh"


@when(
    "a glidein is rehearsed for it, and stopped while the script runs",
    target_fixture="glidein",
)
def stopped(factory: Factory, published: Frontend, node: Node) -> LocalGlidein:
    published.env["SCRIPT_LIMIT_S"] = "600"
    glidein = rehearsal(factory, published, node)
    wait_for(
        "the script at work",
        lambda: any(glidein.folder.glob("glide_*/started")),
        60,
        glidein.log,
    )
    glidein.signal()
    return glidein


# --- while the glidein runs --------------------------------------------------------------------


@given(
    "a Frontend with a periodic script, a job wrapper and a clean-up script",
    target_fixture="published",
)
def at_run_time(frontend: Frontend) -> Frontend:
    constants = "GLIDEIN_CLEANUP_SCRIPT \ttidy.sh\n"
    frontend.add(
        *("client", "constants.cfg", constants, "regular"),
        where="preentry_file_list",
        key="CONSTS_FILE",
    )
    periodic = (
        TODAY
        + 'echo "VO_TURN = \\"${GLIDEIN_PERIODIC_SCRIPT:-first} $(basename $PWD)\\""\n'
    )
    periodic += "echo 'bye from the periodic one' >${start_dir:-.}/exit_message\n"
    frontend.add("client", "look.sh", periodic, period_s=3, prefix="VO_")
    frontend.add("client", "wrap.sh", "export VO_WRAPPED=yes\n", "wrapper")
    frontend.add(
        "client",
        "tidy.sh",
        '#!/bin/sh\necho "tidied with $1, $(grep -c . "$1") lines" >&2\n',
    )
    frontend.add("group", "empty.sh", "#!/bin/sh\n")
    return frontend


@given("a pool with a job waiting", target_fixture="jobs")
def waiting(pool: Pool) -> Jobs:
    return pool.submit(
        {
            "executable": "/bin/sh",
            "arguments": "\"-c 'echo wrapped=$VO_WRAPPED; sleep 8'\"",
            "transfer_executable": "False",
        }
    )


def seen_in_pool(pool: Pool, glidein: LocalGlidein) -> dict[str, Any]:
    """Return the ad of the glidein's first slot, empty while the pool has none."""
    for ad in pool.slots():
        if f"slot1@glidein_{glidein.pid}_" in str(ad.get("Name")):
            return ad
    return {}


@when("a glidein runs for it until there is no more work", target_fixture="glidein")
def runs(
    factory_with: Callable[..., Factory],
    published: Frontend,
    node: Node,
    pool: Pool,
    jobs: Jobs,
    seen: dict[str, Any],
) -> LocalGlidein:
    glidein = node.glidein(
        factory_with(),
        *published.publish(),
        pool=pool,
        GLIDEIN_Max_Idle="20",
        GLIDEIN_Max_Tail="5",
    )
    glidein.start()

    def looked() -> bool:
        seen.update(seen_in_pool(pool, glidein))
        return "VO_OK" in seen

    wait_for("what the periodic script said", looked, 120, glidein.log)
    assert pool.wait(jobs, 120) == {0: 0}
    assert glidein.wait(120) == 0, glidein.log()[-4000:]
    return glidein


@pytest.fixture
def seen() -> dict[str, Any]:
    """The slot's ad as the pool had it."""
    return {}


@then("the pool saw what the periodic script said, and that it is fine")
def periodic_said(seen: dict[str, Any]) -> None:
    turn = str(seen["VO_VO_TURN"])
    assert re.fullmatch(r"true tmp\.\w{4}", turn), turn
    assert seen["VO_OK"] is True
    assert str(seen["VO_LAST"]).endswith("/client/look.sh")
    assert abs(float(seen["VO_LAST_END"]) - time.time()) < 600


@then("the job ran inside the wrapper")
def job_wrapped(jobs: Jobs) -> None:
    assert (jobs.folder / "0.out").read_text() == "wrapped=yes\n"


@then("the clean-up script ran at the end, and its message was shown")
def tidied(glidein: LocalGlidein) -> None:
    log = glidein.log()
    assert re.search(r"tidied with /.*/glidein_config, \d{2,} lines", log)
    assert (
        "=== Exit messages left by periodic scripts ===\nbye from the periodic one" in log
    )
    assert glidein.report()["cleanup"] == {"tidy.sh": "status=0"}


@given(
    "a Frontend whose periodic script fails from its second turn on",
    target_fixture="published",
)
def fails_later(frontend: Frontend) -> Frontend:
    text = (
        TODAY
        + '[[ -z ${GLIDEIN_PERIODIC_SCRIPT:-} ]] || { "$error_gen" -error later.sh Network gone; exit 3; }\n'
    )
    frontend.add("client", "later.sh", text, period_s=3)
    frontend.add("group", "empty.sh", "#!/bin/sh\n")
    return frontend


@when("a glidein runs for it", target_fixture="glidein")
def runs_on(
    factory_with: Callable[..., Factory], published: Frontend, node: Node, pool: Pool
) -> LocalGlidein:
    glidein = node.glidein(
        factory_with(), *published.publish(), pool=pool, GLIDEIN_Max_Idle="300"
    )
    glidein.start()
    return glidein


@then("the pool sees that a periodic script fails, and which one")
def pool_sees(glidein: LocalGlidein, pool: Pool) -> None:
    def fails() -> bool:
        assert glidein.poll() is None, glidein.log()[-4000:]
        ad = seen_in_pool(pool, glidein)
        return ad.get("GLIDEIN_PS_OK") is False and str(
            ad.get("GLIDEIN_PS_FAILED_LAST", "")
        ).endswith("/client/later.sh")

    wait_for("that GLIDEIN_PS_OK is false", fails, 150, glidein.log)


@then("the glidein can be ended, and nothing of it remains")
def can_be_ended(glidein: LocalGlidein, node: Node) -> None:
    glidein.stop(120)
    assert node.processes() == []
    assert node.leftovers() == []


# In the glidein's process namespace numbers of processes go up by one: what a script sees first and last
# tells how many were started between two scripts, and by whom.
MANY = """\
#!/bin/bash
read -r begun _ </proc/uptime
glidein_config=$1
. "$(grep -m1 '^ADD_CONFIG_LINE_SOURCE ' "$glidein_config" | cut -d ' ' -f 2-)"
condor_vars_file=$(gconfig_get CONDOR_VARS_FILE "$glidein_config")
for i in {1..15}; do
  gconfig_add "TWENTY_${0##*/}_$i" "value $i"
  add_condor_vars_line "TWENTY_${0##*/}_$i" S - + N Y -
done
sleep 0.1
"$(gconfig_get ERROR_GEN_PATH "$glidein_config")" -ok "${0##*/}" >/dev/null
: &
last=$!
wait
read -r ended _ </proc/uptime
echo "$$ $last $begun $ended" >>twenty.tsv
"""
IN_A_NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]


@given("a factory with twenty scripts as communities have them", target_fixture="here")
def twenty_scripts(factory_with: Callable[..., Factory]) -> Factory:
    names = [f"s{number:02}" for number in range(20)]
    toml = "".join(f'[[files]]\nsource = "{name}"\nkind = "exec"\n' for name in names)
    return factory_with(factory=toml, files=dict.fromkeys(names, MANY))


@when("a glidein is rehearsed there, its processes counted", target_fixture="glidein")
def rehearse_counted(here: Factory, node: Node) -> LocalGlidein:
    glidein = node.glidein(here, "--dry-run", "--keep")
    user = pwd.getpwnam(USER)
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    glidein.wrap([*IN_A_NAMESPACE, "setpriv", *identity], as_root=True)
    glidein.start()
    assert glidein.wait(120) == 0, glidein.log()[-4000:]
    return glidein


@then("its report has the time of each of the twenty")
def twenty_times(glidein: LocalGlidein) -> None:
    scripts = glidein.report()["scripts"]
    found = {name: told for name, told in scripts.items() if re.search(r"/s\d\d$", name)}
    assert len(found) == 20, scripts
    assert all(re.fullmatch(r"status=0 ms=\d+", told) for told in found.values()), found


def turns(glidein: LocalGlidein) -> list[tuple[int, int, float, float]]:
    """Return each script's first and last process number, and when it began and ended, in s."""
    (file,) = glidein.folder.glob("glide_*/twenty.tsv")
    rows = [line.split() for line in file.read_text().splitlines()]
    return [(int(a), int(b), float(c), float(d)) for a, b, c, d in rows]


@then(parsers.parse("it started at most {number:d} processes for each script"))
def few_processes(number: int, glidein: LocalGlidein) -> None:
    found = turns(glidein)
    ours = [after[0] - before[1] for before, after in pairwise(found)]
    print(f"processes of ours for each of 20 scripts: {ours}")
    assert max(ours) <= number, ours


@then("most of the time was theirs")
def time_is_theirs(glidein: LocalGlidein) -> None:
    found = turns(glidein)
    theirs = sum(ended - begun for _, _, begun, ended in found)
    whole = found[-1][3] - found[0][2]
    print(f"of {whole:.2f} s the scripts had {theirs:.2f} s")
    assert theirs / whole > 0.5
