#!/usr/bin/env bats
# activity.sh: the reference's XML at a glidein's end, which log tools look for.
# shellcheck disable=SC1090

bats_require_minimum_version 1.5.0

setup() {
  load helper
  export LC_ALL=C
  for module in log clock config phase activity; do source "$LIB/$module.sh"; done
  source "${LIB%/lib}/worker_api/error_augment.sh"
  WORK="$PWD/a work"
  mkdir "$WORK"
  cd "$WORK" || exit
  PHASE_NAME=run
  config_set GLIDEIN_Factory 'F & "co"'
  config_set GLIDECLIENT_Name vo.main
}

# scripts STATUS - one script said something, and ended with STATUS
scripts() {
  if (($1 == 0)); then
    "${LIB%/lib}/worker_api/error_gen.sh" -ok s.sh number 7
  else
    "${LIB%/lib}/worker_api/error_gen.sh" -error s.sh Network 'no <network>'
    config_set GLIDEIN_LAST_SCRIPT client/s.sh
  fi
  error_augment_process "$1" client/s.sh "$PWD" s.sh 1 2
  tail -n +2 otrx_output.xml >otr_outlist.list
}

# simple, full - the XML of standard output, and of standard error
simple() { sed -n '/^=== XML description/,/^=== End XML/p' out | sed '1d;$d'; }
full() { sed -n '/^begin-base64 644 -$/,/^====$/p' err | sed '1d;$d' | base64 -d | gunzip; }

# xml PYTHON - the XML on standard input must be well-formed; PYTHON sees its root as `root`
xml() { python3 -c "import sys, xml.etree.ElementTree as e; root = e.fromstring(sys.stdin.buffer.read()); $1"; }

@test "activity_print: a glidein that ended well, with what its last script measured" {
  scripts 0
  activity_print 0 >out 2>err
  simple | xml 'assert root.findtext("result/status") == "OK" and root.find("detail") is None
assert root.findtext("result/metric") == "7" and root.find("test/cmd") is None
assert {e.get("name"): e.text for e in root.iter("env")}["client_name"] == "vo.main"'
  full | xml 'assert root.find("subtestlist/OSGTestResults/OSGTestResult").get("id") == "client/s.sh"
assert {e.get("name"): e.text for e in root.find("operatingenvironment")}["glidein_factory"] == "F & \"co\""
assert root.findtext("test/cmd") == "glidein_startup.sh"'
  grep -qx '=== Encoded XML description of glidein activity ===' err
  grep -qx '=== End encoded XML description of glidein activity ===' err
}

@test "activity_print: a script that failed is named, with what it said" {
  scripts 1
  PHASE_NAME=configure
  activity_print 61 >out 2>err
  simple | xml 'assert root.findtext("result/status") == "ERROR"
metrics = {m.get("name"): m.text for m in root.iter("metric")}
assert metrics == {"TestID": "client/s.sh", "failure": "Network"}, metrics
assert "Validation failed in client/s.sh." in root.findtext("detail") and "no <network>" in root.findtext("detail")'
}

@test "activity_print: another failure is named by its phase" {
  scripts 0
  PHASE_NAME=fetch
  activity_print 20 >out 2>err
  simple | xml 'metrics = {m.get("name"): m.text for m in root.iter("metric")}
assert metrics == {"TestID": "fetch", "failure": "Network"} and "exit code 20" in root.findtext("detail")'
}

@test "activity_print: without scripts, or a work directory" {
  activity_print 0 >out 2>err
  simple | xml 'assert root.findtext("result/status") == "OK"'
  full | xml 'assert root.find("subtestlist") is None'
  WORK='' run -0 activity_print 0
  [[ -z $output ]]
}
