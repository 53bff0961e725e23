#!/usr/bin/env bats
# worker_api/error_gen.sh and error_augment.sh: the XML by which scripts say how they went.

bats_require_minimum_version 1.5.0

setup() {
  load helper
  mkdir main
  cp "${LIB%/lib}"/worker_api/error_* main
  API=$PWD/main
  export TZ=UTC
}

# xml FILE PYTHON - FILE must be XML; PYTHON sees its root as `root`
xml() { python3 -c "import sys, xml.etree.ElementTree as e; root = e.parse(sys.argv[1]).getroot(); $2" "$1"; }

@test "error_gen: -ok has a status and metrics" {
  "$API/error_gen.sh" -ok s.sh key value 'odd "key"' '<&>'
  grep -qx '<OSGTestResult id="s.sh" version="4.3.1">' otrb_output.xml
  grep -qx '    <status>OK</status>' otrb_output.xml
  grep -qxE '    <metric name="key" ts="[0-9-]+T[0-9:]+\+00:00" uri="local">value</metric>' otrb_output.xml
  xml otrb_output.xml 'assert [m.text for m in root.iter("metric")] == ["value", "<&>"], root'
}

@test "error_gen: -error has the kind as a metric and a detail of any text" {
  "$API/error_gen.sh" -error s.sh WN_Resource $'no "disk" & <none>\nat all' path /tmp
  xml otrb_output.xml 'assert root.find("result/status").text == "ERROR"
assert [(m.get("name"), m.text) for m in root.iter("metric")] == [("failure", "WN_Resource"), ("path", "/tmp")]
assert root.find("detail").text.split("\n") == ["", "    no \"disk\" & <none>", "    at all", "  "]'
}

@test "error_gen: anything else is a usage error, and writes nothing" {
  run -1 "$API/error_gen.sh" -maybe s.sh
  run -1 "$API/error_gen.sh"
  [[ ! -e otrb_output.xml ]]
}

@test "error_gen: starts no process" {
  needs strace
  strace -f -o trace -e trace=fork,vfork,clone,clone3 "$API/error_gen.sh" -error s.sh Config text a b
  [[ $(grep -cE 'fork|clone' trace) == 0 ]]
}

@test "error_augment: adds what the caller knows, and keeps a list nobody else writes" {
  "$API/error_gen.sh" -error s.sh Config 'some detail'
  "$API/error_augment.sh" -process 1 client/s.sh "$PWD" 's.sh glidein_config' 86400 86461
  xml otrx_output.xml 'assert root.get("id") == "client/s.sh"
assert root.find("test/tStart").text == "1970-01-02T00:00:00+00:00" and root.find("test/tEnd").text == "1970-01-02T00:01:01+00:00"
assert root.find("test/cmd").text == "s.sh glidein_config" and root.find("detail").text.strip() == "some detail"'
  "$API/error_augment.sh" -concat
  "$API/error_augment.sh" -init
  "$API/error_augment.sh" -process 0 client/t.sh "$PWD" 't.sh' 1 2
  "$API/error_augment.sh" -locked-concat
  [[ $(grep -c '<OSGTestResult ' otr_outlist.list) == 2 && $(stat -c %A otr_outlist.list) != *w* && ! -e otr_outlist.list.lock ]]
  { echo '<all>' && cat otr_outlist.list && echo '</all>'; } >all.xml
  xml all.xml 'assert [r.find("result/status").text for r in root] == ["ERROR", "OK"]'
}

@test "error_augment: what contradicts the exit status, or is no XML, is not believed" {
  local said
  "$API/error_gen.sh" -ok s.sh
  cp otrb_output.xml ok.xml
  for said in ok.xml /dev/null /dev/urandom; do
    head -c 100000 "$said" >otrb_output.xml
    "$API/error_augment.sh" -process 7 client/s.sh "$PWD" s.sh 1 2
    xml otrx_output.xml 'assert root.find("result/status").text == "ERROR" and "did not produce an XML file" in root.find("detail").text'
  done
  rm otrb_output.xml && mkfifo otrb_output.xml
  timeout 20 "$API/error_augment.sh" -process 0 client/s.sh "$PWD" s.sh 1 2
  xml otrx_output.xml 'assert root.find("result/status").text == "OK"'
}

@test "error_augment: control characters in a detail leave the XML readable" {
  "$API/error_gen.sh" -error s.sh Config $'bell \a and escape \e[1m'
  "$API/error_augment.sh" -process 1 client/s.sh "$PWD" s.sh 1 2
  xml otrx_output.xml 'assert "bell" in root.find("detail").text'
}
