"""What others write and the worker reads: any bytes at all crash nothing, run nothing, hang nothing."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

GLIDEIN = Path(__file__).parent.parent / "glidein"
BASH = os.environ.get("GLIDEIN_BASH", "bash")
LIMIT_S = 60  # for one text, on a busy machine

# Each reads the file $FILE; what it makes of it is its own matter.
READERS = {
    "list": "verify_name x; _VERIFY_HASH[client/a.sh]=sha1:x"
    '; _area_read_list client "$FILE" file_list && for i in "${!AREA_ROW_OUT[@]}"; do'
    ' area_row_wanted $i; script_limit "${AREA_ROW_OUT[i]}" "${AREA_ROW_LIST[i]}"; done',
    "description": 'area_declare client http://x d.cfg sha1:x "$WORK/client"'
    '; cp "$FILE" "$WORK/.glidein/objects/client/d.cfg"; AREA[client.signature]=s'
    '; : >"$WORK/.glidein/objects/client/s"; _area_signature_name client; _area_read_head client',
    "signatures": 'verify_signature "$FILE" client',
    "variables": 'config_set CONDOR_VARS_FILE "$FILE"; vars_read && vars_decide',
    "constants": '_area_constants "$FILE" config_ahead',
    "folders": "AREA_ROW_SECTION=(client) AREA_ROW_OUT=(a.tgz) AREA_ROW_CONFIG=(X)"
    '; AREA[client.folder]=$WORK/client; config_set GLIDECLIENT_UNTAR_CFG_FILE "$FILE"'
    '; _area_untar_folder 0 && [[ $REPLY == "$WORK"/* ]]',
    "config": 'cp "$FILE" "$WORK/glidein_config"; config_load && config_set A 1 && config_write'
    "; glidein_config=$WORK/glidein_config; gconfig_get A; gconfig_add A 2; gconfig_add B 3"
    "; gconfig_trim; [[ $(gconfig_get A) == 2 && $(gconfig_get B) == 3 ]] || echo 'unbound: A or B'",
    "lines of variables": "condor_vars_file=$FILE; add_condor_vars_line A S - + N Y -",
    "result": 'cp "$FILE" otrb_output.xml; error_augment_process 1 id "$PWD" cmd 1 2'
    "; error_augment_detail",
    "stop list": 'cp "$FILE" "$WORK/.glidein/stop.lst"; stop_list_names_us',
}
DRIVER = """
set -uo pipefail
for m in log clock job config options phase workdir backoff verify transfer fetch cache stop_list area \
  report script knob expand vars; do source "$LIB/$m.sh"; done
source "$LIB/../worker_api/add_config_line.source"
source "$LIB/../worker_api/error_augment.sh"
fetch_queue() { :; }; fetch_run() { return 1; }; cache_put() { return 1; }; cache_get() { return 1; }
verify_files() { return 0; }
FETCH_LOG=/dev/null
mkdir -p "$WORK/.glidein/objects" "$WORK/client"
cd "$WORK" || exit 90
read_it() { %s; }
{ read_it; } >/dev/null
status=$?
[[ $status == [01] ]] || exit 91
"""

PIECES = st.sampled_from(
    [
        *(
            "$(touch ran)",
            "`touch ran`",
            "a[$(touch ran)]",
            "${x:?}",
            "$((1/0))",
            "-n",
            "--",
        ),
        *(
            "*",
            "../../x",
            "/etc/passwd",
            "~",
            "'",
            '"',
            "\\",
            "\\\\$(touch ran)",
            "%s%n",
            "!",
        ),
        *(
            " ",
            "\t",
            " \t",
            "\n",
            "\n\n",
            "\r\n",
            "\0",
            "#",
            "=",
            ";touch ran;",
            "&& touch ran",
        ),
        *("TRUE", "FALSE", "exec", "untar", "a.sh", "signature", "file_list", "1e9", "08"),
        *(
            "99999999999999999999",
            "-1",
            "é",
            "\udcff",
            "A",
            "B",
            "<result>",
            "</OSGTestResult>",
        ),
        *(
            "<OSGTestResult id=",
            "<detail>",
            "factory",
            "entry",
            "S",
            "C",
            "+",
            "GLIDEIN_PS_",
        ),
    ]
)
TEXTS = st.one_of(
    st.binary(max_size=400),
    st.lists(PIECES, max_size=40).map(
        lambda found: "".join(found).encode("utf-8", "surrogateescape")
    ),
    st.lists(st.lists(PIECES, min_size=5, max_size=8), max_size=6).map(
        lambda rows: "\n".join(" \t".join(row) for row in rows).encode(
            "utf-8", "surrogateescape"
        )
    ),
)
PERIOD = b"a.sh a.sh exec a[$(touch${IFS}ran)] GLIDEIN_PS_ TRUE A\n"
ROW = b"a.sh \ta.sh \texec \t08 \tGLIDEIN_PS_ \ta[$(touch ran)] \tA\n"


@pytest.mark.parametrize("reader", READERS)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=TEXTS)
@example(text=ROW)
@example(text=PERIOD)
@example(text=b"A \xff\0\xfe\n" * 50)
@example(text=b"x" * 200_000)
def test_any_bytes_are_read_or_refused(reader: str, text: bytes, tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_bytes(text)
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    done = subprocess.run(
        [BASH, "-c", DRIVER % READERS[reader]],
        env={
            "PATH": "/usr/bin:/bin",
            "LIB": str(GLIDEIN / "lib"),
            "WORK": str(work),
            "FILE": str(file),
        },
        cwd=work,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    said = done.stderr.decode(errors="replace")
    assert done.returncode == 0, said
    for trouble in ("command not found", "unbound", "syntax error", "bad sub", "value too"):
        assert trouble not in said, said
    assert "division by 0" not in said, said
    assert not list(tmp_path.rglob("ran"))
    assert {path.name for path in tmp_path.iterdir()} == {"text", "work"}
