# shellcheck shell=bash
# script.sh - run the scripts of the areas, each with a time limit and nothing of ours to break.
#
# A script is called as `<path> glidein_config <section>` in the work directory, with empty standard
# input; its exit status decides. It is foreign code: a process of its own, never sourced.
#
# Needs:  log.sh clock.sh job.sh config.sh area.sh report.sh
# Reads:  SCRIPT_LIMIT_S; WORK

: "${SCRIPT_LIMIT_S:=600}" # seconds a script may take

# script_run_area - run every script of the lists, in their order.
#   Returns:  0  all said yes
#             1  one failed or took too long; the log names it
script_run_area() {
  local i
  for i in ${AREA_ROW_OUT[@]+"${!AREA_ROW_OUT[@]}"}; do
    case ${AREA_ROW_TYPE[i]} in exec | exec:s) ;; *) continue ;; esac
    area_row_wanted "$i" || continue
    area_path "$i"
    [[ -f $REPLY ]] || area_place_late "$i" || return 1
    script_run "$REPLY" "${AREA_ROW_SECTION[i]}" || return 1
  done
}

# script_run PATH SECTION - run one script under the interface of worker_api.
#   Returns:  0
#             1  its exit status was not 0, or it was ended after SCRIPT_LIMIT_S
script_run() {
  local name=${1##*/} status started
  config_write || return 1
  clock_ms
  started=$REPLY
  job_limited "$SCRIPT_LIMIT_S" _script_exec "$1" "$2"
  status=$?
  clock_ms
  report_fact "scripts.$2/$name" "status=$status ms=$((REPLY - started))"
  ((status == 0)) || log_fail 1 "script $2/$name: status=$status ms=$((REPLY - started))" || return $?
  log_info "script $2/$name: ok ms=$((REPLY - started))"
  config_load
}

_script_exec() {
  umask 0022
  cd -- "$WORK" && exec "$1" glidein_config "$2"
}
