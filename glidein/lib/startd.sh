# shellcheck shell=bash
# startd.sh - run HTCondor: launch its master, watch it, pass on what we are told, say how it ended.
#
# The master has a process group of its own. A job beside it watches for what HTCondor cannot know:
# that the pool never saw us, and that our time is over. When the master has ended, nothing that it
# or a user's job started is left: all carry our mark in their environment.
#
# Needs:     log.sh clock.sh job.sh config.sh report.sh configure.sh
# Commands:  condor_master, condor_status
# Reads:     WORK, CONFIGURE_*; STARTD_FAST_S, STARTD_LOOK_S
# Sets:      STARTD_PID (the master; 0 when it has ended)

: "${STARTD_FAST_S:=20}" # seconds that HTCondor may take to stop when told to be fast
: "${STARTD_LOOK_S:=10}" # seconds between two looks whether our time is over

STARTD_PID=      # process id of the master while it runs; 0 after; empty before
STARTD_STATUS=   # its exit status
STARTD_TOLD=     # how we told it to stop
STARTD_LAUNCHED= # when, in seconds of the epoch

# startd_launch - start condor_master with $WORK/condor_config in the background, and the watch.
#   Returns:  0 it was started (whether it stays, startd_wait will tell);  1 there is no condor_master
startd_launch() {
	local program=$CONDOR_DIR/sbin/condor_master
	[[ -x $program ]] || log_fail 1 "not a program: $program" || return
	rm -f -- "$WORK/.glidein/startd.why"
	clock_epoch
	STARTD_LAUNCHED=$REPLY
	# What bash leaves ignored in a background command, HTCondor would leave ignored as well: with
	# job control on, signals are as usual and the process group is the master's own.
	set -m
	{
		set +m
		_startd_environment
		exec "$program" -f
	} </dev/null >"$WORK/log/master.out" 2>&1 &
	STARTD_PID=$!
	set +m
	log_info "started condor_master pid=$STARTD_PID"
	job_start _startd_watch "$STARTD_PID"
	STARTD_WATCH=$JOB_PID
}

# startd_wait - wait until HTCondor has ended and nothing of it is left.
#   Returns:  0  it has ended
#             1  a trapped signal came first; call again
startd_wait() {
	[[ $STARTD_PID != 0 ]] || return 0
	local status
	wait "$STARTD_PID" 2>/dev/null
	status=$?
	if ((status > 128)) && kill -0 "$STARTD_PID" 2>/dev/null; then
		return 1
	fi
	_startd_ended "$status"
}

# startd_stop HOW - pass on that the glidein is to end.
#   graceful  running jobs get GLIDEIN_Graceful_Shutdown seconds; returns at once: call startd_wait
#   peaceful  no new job is taken, running ones may finish; returns at once as well
#   fast      running jobs are killed; returns when HTCondor has ended, if need be by force
startd_stop() {
	[[ -n $STARTD_PID && $STARTD_PID != 0 ]] || return 0
	STARTD_TOLD=${STARTD_TOLD:-$1}
	case $1 in
	graceful) job_start _startd_end "$STARTD_PID" TERM "$CONFIGURE_GRACEFUL_S" ;;
	peaceful) _startd_retire ;;
	*)
		job_run _startd_end "$STARTD_PID" QUIT 0
		until startd_wait; do :; done
		;;
	esac
}

# startd_cause - set REPLY to why HTCondor ended: idle, retired, told_to_stop, killed, crashed,
#   never_registered or could_not_start
startd_cause() {
	local why= line text=
	{ read -r why <"$WORK/.glidein/startd.why"; } 2>/dev/null
	if [[ -n $STARTD_TOLD ]]; then
		REPLY=told_to_stop
	elif [[ -n $why ]]; then
		REPLY=$why
	elif [[ ! -s $WORK/log/StartdLog ]]; then
		REPLY=could_not_start
	elif ((STARTD_STATUS == 137)); then
		REPLY=killed
	elif ((STARTD_STATUS > 128)); then
		REPLY=crashed
	else
		_startd_cause_in_logs
	fi
}

# _startd_cause_in_logs - the last word of the master's and the startd's logs
_startd_cause_in_logs() {
	local line now
	REPLY=
	while IFS= read -r line; do
		case $line in
		*'The STARTD '*' died due to signal 9'*) REPLY=killed ;;
		*'The STARTD '*' died '* | *'The STARTD '*' was killed'*) REPLY=crashed ;;
		*'The STARTD '*' exited with status '[!09]* | *'The STARTD '*' exited with status 9'[!9]*) REPLY=crashed ;;
		*'Got SIGTERM'* | *'Got SIGQUIT'*) REPLY=${REPLY:-told_to_stop} ;;
		esac
	done <"$WORK/log/MasterLog"
	[[ $REPLY != killed && $REPLY != crashed ]] || return 0
	while IFS= read -r line; do
		case $line in
		*'No resources have been claimed for '* | *'DAEMON_SHUTDOWN'* | *'DaemonShutdown'*) REPLY=idle ;;
		esac
	done <"$WORK/log/StartdLog"
	clock_epoch
	now=$REPLY
}

startd_jobs() { REPLY=0; }
startd_logs() { REPLY=; }

_startd_environment() {
	local name
	for name in "${!_CONDOR_@}" "${!CONDOR_@}"; do
		case $name in
		# The outer HTCondor, if there is one, finds what belongs to its job by these.
		_CONDOR_ANCESTOR_*) ;;
		*) unset "$name" ;;
		esac
	done
	export CONDOR_CONFIG=$WORK/condor_config GLIDEIN_MARK=$CONFIGURE_NAME
}
_startd_watch() { :; }
_startd_end() {
	local pid=$1 step
	kill "-$2" "$pid" 2>/dev/null
	for ((step = 0; step < ($3 + STARTD_FAST_S) * 10; step++)); do
		kill -0 "$pid" 2>/dev/null || return 0
		((step != $3 * 10)) || kill -QUIT "$pid" 2>/dev/null
		clock_pause 0.1
	done
	kill -KILL "$pid" 2>/dev/null
}
_startd_ended() {
	STARTD_STATUS=$1
	STARTD_PID=0
	echo "master status $1"
}
